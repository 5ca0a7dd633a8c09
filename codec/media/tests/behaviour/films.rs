//! Small films made by FFmpeg, named for what is odd about them.

use std::fs;
use std::path::{Path, PathBuf};

const MOVING: &str = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=3";
const BEEP: &str = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=3";
const X264: &str = "-pix_fmt yuv420p -c:v libx264 -preset veryfast -threads 1 -g 25";

/// Name (with the container's extension) and FFmpeg's options. `$` words stand for the constants above.
const FILMS: &[(&str, &str)] = &[
    ("b_frames.mp4", "$MOVING $BEEP $X264 -bf 3 -c:a aac"),
    ("b_pyramid.mp4", "$MOVING $X264 -bf 8 -refs 8 -x264-params b-pyramid=normal:scenecut=0"),
    ("no_b_frames.mov", "$MOVING $X264 -bf 0"),
    ("moov_first.mp4", "$MOVING $BEEP $X264 -bf 3 -c:a aac -movflags +faststart"),
    ("fragmented.mp4", "$MOVING $BEEP $X264 -bf 3 -c:a aac -movflags frag_keyframe+empty_moov+default_base_moof"),
    ("fragmented_old.mp4", "$MOVING $BEEP $X264 -bf 3 -c:a aac -movflags frag_keyframe -frag_size 4000"),
    ("fragmented_negative.mp4", "$MOVING $X264 -bf 3 -movflags dash+negative_cts_offsets+frag_keyframe"),
    ("ntsc.mp4", "-f lavfi -i testsrc2=size=160x120:rate=30000/1001:duration=3 $X264 -bf 2"),
    ("ntsc.mkv", "-f lavfi -i testsrc2=size=160x120:rate=30000/1001:duration=3 $X264 -bf 2"),
    ("sound_late.mp4", "$MOVING -itsoffset 0.5 $BEEP $X264 -bf 2 -c:a aac"),
    ("picture_late.mp4", "-itsoffset 0.5 $MOVING $BEEP $X264 -bf 2 -c:a aac"),
    ("both_late.mkv", "-itsoffset 2 $MOVING -itsoffset 2.2 $BEEP $X264 -bf 2 -c:a aac"),
    ("open_gop.mp4", "$MOVING $X264 -x264-params open-gop=1:keyint=25:bframes=3:scenecut=0"),
    ("open_gop.mkv", "$MOVING $X264 -x264-params open-gop=1:keyint=25:bframes=3:scenecut=0"),
    ("one_keyframe.mp4", "$MOVING $X264 -bf 3 -g 1000 -x264-params scenecut=0"),
    ("varying_rate.mp4", "$MOVING -vf select=not(eq(mod(n\\,3)\\,1)) -fps_mode vfr $X264 -bf 2"),
    ("wide_pixels.mp4", "$MOVING -vf setsar=4/3 $X264"),
    ("wide_pixels.mkv", "$MOVING -vf setsar=4/3 $X264"),
    ("full_range.mp4", "$MOVING -vf scale=out_range=pc -color_range pc $X264"),
    ("b_frames.mkv", "$MOVING $BEEP $X264 -bf 3 -c:a aac"),
    ("clusters.mkv", "$MOVING $BEEP $X264 -bf 3 -c:a libopus -cluster_time_limit 200 -live 1"),
    ("high10.mp4", "$MOVING -c:v libx264 -pix_fmt yuv420p10le -preset veryfast -g 25 -bf 2"),
    ("full_chroma.mp4", "$MOVING -c:v libx264 -pix_fmt yuv444p -preset veryfast -g 25 -bf 2"),
    ("interlaced.mp4", "$MOVING $X264 -bf 2 -flags +ildct+ilme -x264-params tff=1"),
    ("av1.mp4", "$MOVING $BEEP -pix_fmt yuv420p -c:v libaom-av1 -usage realtime -cpu-used 8 -g 25 -c:a aac"),
    ("av1.mkv", "$MOVING -pix_fmt yuv420p -c:v libaom-av1 -usage realtime -cpu-used 8 -g 25"),
    ("av1.ivf", "$MOVING -pix_fmt yuv420p -c:v libaom-av1 -usage realtime -cpu-used 8 -g 25"),
    ("av1_10.mkv", "$MOVING -pix_fmt yuv420p10le -c:v libaom-av1 -usage realtime -cpu-used 8 -g 25"),
    ("hevc10.mp4", "$MOVING -pix_fmt yuv420p10le -c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25"),
    ("vp9_opus.webm", "$MOVING $BEEP -pix_fmt yuv420p -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus"),
    ("mpeg2.ts", "$MOVING $BEEP -pix_fmt yuv420p -c:v mpeg2video -g 12 -bf 2 -b:v 1M -c:a mp2"),
    ("mpeg2.mpg", "$MOVING $BEEP -pix_fmt yuv420p -c:v mpeg2video -g 12 -bf 2 -b:v 1M -c:a mp2"),
    ("h264.ts", "$MOVING $BEEP $X264 -bf 2 -c:a aac"),
    ("mpeg4.avi", "$MOVING $BEEP -pix_fmt yuv420p -c:v mpeg4 -g 12 -c:a mp3"),
    ("h264.flv", "$MOVING $BEEP $X264 -bf 2 -ar 44100 -c:a aac"),
    ("bare.h264", "$MOVING $X264 -bf 0"),
    ("ac3.mp4", "$MOVING $BEEP $X264 -bf 2 -c:a ac3"),
    ("pcm.mov", "$MOVING $BEEP $X264 -bf 2 -c:a pcm_s16le"),
    ("grey.y4m", "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1 -pix_fmt gray"),
    ("i420.y4m", "-f lavfi -i testsrc2=size=162x122:rate=30000/1001:duration=1 -pix_fmt yuv420p"),
    ("i422.y4m", "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1 -pix_fmt yuv422p"),
    ("sound_only.mp4", "$BEEP -c:a aac"),
    ("sound_only.wav", "$BEEP -c:a pcm_s16le"),
    ("sound_only.mp3", "$BEEP -c:a libmp3lame"),
];

/// Makes one of the films in `dir`.
pub fn make(dir: &Path, name: &str) -> PathBuf {
    let file = dir.join(name);
    let options = FILMS.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no film {name}")).1;
    let options = options.replace("$MOVING", MOVING).replace("$BEEP", BEEP).replace("$X264", X264);
    crate::oracle::make(&file, &options);
    file
}

/// Another film cut out of one without encoding: from a time that is not a keyframe, so that an edit list hides the start.
pub fn cut(from: &Path, start: &str, name: &str) -> PathBuf {
    let file = from.with_file_name(name);
    crate::oracle::make(&file, &format!("-ss {start} -i {} -c copy -map 0", from.display()));
    file
}

/// The same film with a rotation in its track header.
pub fn turned(from: &Path, degrees: u16, name: &str) -> PathBuf {
    let file = from.with_file_name(name);
    crate::oracle::make(&file, &format!("-i {} -c copy -map 0 -metadata:s:v:0 rotate={degrees}", from.display()));
    file
}

/// A stream that changes its size after three seconds.
pub fn two_sizes(dir: &Path) -> PathBuf {
    let (small, large, both) = (dir.join("small.h264"), dir.join("large.h264"), dir.join("both.h264"));
    let x264 = X264.to_owned() + " -bf 0 -x264-params repeat-headers=1";
    crate::oracle::make(&small, &format!("{MOVING} {x264}"));
    crate::oracle::make(&large, &format!("-f lavfi -i testsrc2=size=320x240:rate=25:duration=1 {x264}"));
    let mut bytes = fs::read(small).expect("just made");
    bytes.extend(fs::read(large).expect("just made"));
    fs::write(&both, bytes).expect("a temporary folder");
    let file = dir.join("two_sizes.mkv");
    crate::oracle::make(&file, &format!("-f h264 -r 25 -i {} -c copy", both.display()));
    file
}
