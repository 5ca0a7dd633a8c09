//! The sound of the test clip: a beep of 100 ms at the start of each second, a semitone higher each time.

/// Length of a beep in milliseconds.
pub const BEEP_MS: u64 = 100;

/// Pitch of the beep of this second in hertz: twelve semitones up from A4, then again.
pub fn pitch_hz(second: u64) -> f64 {
    440.0 * 2f64.powf((second % 12) as f64 / 12.0)
}

/// `count` samples of the tone from sample index `from`, -1 to 1.
pub fn samples(from: u64, count: usize, sample_rate: u32) -> Vec<f32> {
    (from..from + count as u64).map(|index| sample(index, sample_rate)).collect()
}

fn sample(index: u64, sample_rate: u32) -> f32 {
    let rate = u64::from(sample_rate);
    let (second, offset) = (index / rate, index % rate);
    let beep = rate * BEEP_MS / 1000;
    if offset >= beep {
        return 0.0;
    }
    // 2 ms of rise and fall: a click would be heard in every codec and every resampler.
    let ramp = (rate / 500).max(1);
    let envelope = (offset.min(beep - 1 - offset) as f64 / ramp as f64).min(1.0);
    let phase = std::f64::consts::TAU * pitch_hz(second) * offset as f64 / rate as f64;
    (0.5 * envelope * phase.sin()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_begins_with_a_beep_and_goes_on_in_silence() {
        let rate = 48_000;
        let sound = samples(0, 3 * rate as usize, rate);
        for second in 0..3 {
            let start = second * rate as usize;
            let loudest = |range: std::ops::Range<usize>| sound[range].iter().fold(0f32, |peak, s| peak.max(s.abs()));
            assert!(loudest(start..start + 480) > 0.3);
            assert!(loudest(start + 4320..start + 4799) > 0.3);
            assert_eq!(loudest(start + 4800..start + rate as usize), 0.0);
        }
    }
}
