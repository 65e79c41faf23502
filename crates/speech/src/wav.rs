//! The sound files that flite writes: 16-bit mono PCM in RIFF.

use crate::SpeechFailure;

/// Longer than any line: a minute at 48 kHz.
const MOST_SAMPLES: usize = 60 * 48_000;

/// Samples within ±1 and their rate in Hz.
pub fn read(bytes: &[u8]) -> Result<(Vec<f32>, u32), SpeechFailure> {
    let wrong = |what: &str| SpeechFailure::Output(format!("a sound file {what}"));
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err(wrong("without a RIFF header"));
    }
    let (mut at, mut rate_hz) = (12, 0u32);
    while let Some(header) = bytes.get(at..at + 8) {
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let body = &bytes[at + 8..(at + 8).saturating_add(length).min(bytes.len())];
        match &header[..4] {
            b"fmt " => {
                let format = body.get(..16).ok_or_else(|| wrong("with a short format"))?;
                if (format[0], format[2], format[14]) != (1, 1, 16) {
                    return Err(wrong("that is not 16-bit mono"));
                }
                rate_hz = u32::from_le_bytes([format[4], format[5], format[6], format[7]]);
            }
            b"data" => {
                if !(8_000..=48_000).contains(&rate_hz) {
                    return Err(wrong(&format!("of {rate_hz} Hz")));
                }
                let samples = body.chunks_exact(2).take(MOST_SAMPLES);
                return Ok((
                    samples.map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect(),
                    rate_hz,
                ));
            }
            _ => {}
        }
        at = at.saturating_add(8 + length + length % 2);
    }
    Err(wrong("without samples"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(channels: u8, rate_hz: u32, samples: &[i16]) -> Vec<u8> {
        let mut bytes = b"RIFF\0\0\0\0WAVEfmt ".to_vec();
        bytes.extend(16u32.to_le_bytes());
        bytes.extend([1, 0, channels, 0]);
        bytes.extend(rate_hz.to_le_bytes());
        bytes.extend([0, 0, 0, 0, 2, 0, 16, 0]);
        bytes.extend(b"data");
        bytes.extend((2 * samples.len() as u32).to_le_bytes());
        bytes.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
        bytes
    }

    #[test]
    fn reads_what_it_should_and_refuses_the_rest() {
        assert_eq!(read(&file(1, 16_000, &[0, 16_384, -32_768])).expect("samples"), (vec![0.0, 0.5, -1.0], 16_000));
        assert!(read(&file(2, 16_000, &[0])).is_err());
        assert!(read(&file(1, 0, &[0])).is_err());
        let whole = file(1, 16_000, &[1, 2, 3]);
        for cut in 0..44 {
            assert!(read(&whole[..cut]).is_err(), "cut at {cut}");
        }
    }
}
