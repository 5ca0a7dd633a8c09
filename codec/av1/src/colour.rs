//! Colour numbers (ISO/IEC 23091-2) as rav1e names them.

use rav1e::color::{ColorDescription, ColorPrimaries, MatrixCoefficients, TransferCharacteristics};

/// The colour as far as rav1e has names for it; what is unspecified in all three is not written.
pub fn description(colour: (u16, u16, u16)) -> Option<ColorDescription> {
    let description = ColorDescription {
        color_primaries: primaries(colour.0),
        transfer_characteristics: transfer(colour.1),
        matrix_coefficients: matrix(colour.2),
    };
    let unspecified = description.color_primaries == ColorPrimaries::Unspecified
        && description.transfer_characteristics == TransferCharacteristics::Unspecified
        && description.matrix_coefficients == MatrixCoefficients::Unspecified;
    (!unspecified).then_some(description)
}

fn primaries(code: u16) -> ColorPrimaries {
    match code {
        1 => ColorPrimaries::BT709,
        4 => ColorPrimaries::BT470M,
        5 => ColorPrimaries::BT470BG,
        6 => ColorPrimaries::BT601,
        7 => ColorPrimaries::SMPTE240,
        8 => ColorPrimaries::GenericFilm,
        9 => ColorPrimaries::BT2020,
        11 => ColorPrimaries::SMPTE431,
        12 => ColorPrimaries::SMPTE432,
        _ => ColorPrimaries::Unspecified,
    }
}

fn transfer(code: u16) -> TransferCharacteristics {
    match code {
        1 => TransferCharacteristics::BT709,
        4 => TransferCharacteristics::BT470M,
        5 => TransferCharacteristics::BT470BG,
        6 => TransferCharacteristics::BT601,
        7 => TransferCharacteristics::SMPTE240,
        8 => TransferCharacteristics::Linear,
        13 => TransferCharacteristics::SRGB,
        14 => TransferCharacteristics::BT2020_10Bit,
        15 => TransferCharacteristics::BT2020_12Bit,
        16 => TransferCharacteristics::SMPTE2084,
        18 => TransferCharacteristics::HLG,
        _ => TransferCharacteristics::Unspecified,
    }
}

/// Never identity (RGB): pictures here are 4:2:0, for which it is not allowed.
fn matrix(code: u16) -> MatrixCoefficients {
    match code {
        1 => MatrixCoefficients::BT709,
        4 => MatrixCoefficients::FCC,
        5 => MatrixCoefficients::BT470BG,
        6 => MatrixCoefficients::BT601,
        7 => MatrixCoefficients::SMPTE240,
        9 => MatrixCoefficients::BT2020NCL,
        _ => MatrixCoefficients::Unspecified,
    }
}
