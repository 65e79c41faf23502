//! ITU-T G.711: 8 bits a sample, logarithmic.

/// µ-law.
pub fn ulaw(sample: i16) -> u8 {
    const BIAS: i32 = 0x84;
    const CLIP: i32 = 32_635;
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(CLIP) + BIAS;
    let exponent = (0..8).rev().find(|exponent| magnitude >= 0x80 << exponent).unwrap_or(0);
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !((sign | exponent << 4 | mantissa) as u8)
}

/// A-law.
pub fn alaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0 } else { 0x80 };
    let magnitude = if sample < 0 { !i32::from(sample) } else { i32::from(sample) };
    let exponent = (1..8).rev().find(|exponent| magnitude >= 0x80 << exponent).unwrap_or(0);
    let mantissa = (magnitude >> if exponent == 0 { 4 } else { exponent + 3 }) & 0x0f;
    ((sign | exponent << 4 | mantissa) ^ 0x55) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The middle, small ones of both signs, and both ends.
    #[test]
    fn known_values() {
        assert_eq!([0, 100, -100, 1_000, i16::MAX, i16::MIN].map(ulaw), [0xff, 0xf2, 0x72, 0xce, 0x80, 0x00]);
        assert_eq!([0, 100, -100, 1_000, i16::MAX, i16::MIN].map(alaw), [0xd5, 0xd3, 0x53, 0xfa, 0xaa, 0x2a]);
    }
}
