//! A voice for words: CMU flite, where this machine has it. Without it words are tones in their rhythm.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

const PROGRAM: &str = "flite";
const VOICE: &str = "slt";
/// Longer texts are tones, in characters: the program takes a text as one sentence, and ever longer for it.
const MOST_CHARS: usize = 600;

/// Says a text, in mono at a rate; `None` where nobody can. Blocking: some tens of milliseconds.
pub fn say(text: &str, speed: f64, rate_hz: u32) -> Option<Vec<i16>> {
    let letters = |c: char| if c.is_alphanumeric() || "',.!?".contains(c) { c } else { ' ' };
    let text: String = text.chars().map(letters).collect();
    if text.chars().count() > MOST_CHARS || !text.contains(char::is_alphanumeric) {
        return None;
    }
    let stretch = format!("duration_stretch={}", 1.0 / speed);
    let said = Command::new(program()?)
        .args(["-voice", VOICE, "--setf", &stretch, "-t", &text, "-o", "/dev/stdout"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let (samples, own_rate_hz) = samples(&said.stdout)?;
    let samples = resampled(&samples, own_rate_hz, rate_hz);
    samples.iter().any(|sample| *sample != 0).then_some(samples)
}

fn program() -> Option<&'static PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let folders = std::env::var_os("PATH")?;
        std::env::split_paths(&folders).map(|folder| folder.join(PROGRAM)).find(|path| path.is_file())
    };
    FOUND.get_or_init(find).as_ref()
}

/// Of a RIFF file of 16-bit mono PCM with a header of 44 bytes, and its rate in Hz.
fn samples(file: &[u8]) -> Option<(Vec<i16>, u32)> {
    let (head, data) = file.split_at_checked(44)?;
    if !head.starts_with(b"RIFF") {
        return None;
    }
    let rate_hz = u32::from_le_bytes(head.get(24..28)?.try_into().ok()?);
    let samples: Vec<i16> = data.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    (rate_hz > 0 && !samples.is_empty()).then_some((samples, rate_hz))
}

/// At another rate, by straight lines between samples: good enough for a voice that is listened to for its words.
fn resampled(samples: &[i16], from_hz: u32, to_hz: u32) -> Vec<i16> {
    let count = samples.len() as u64 * u64::from(to_hz) / u64::from(from_hz);
    let at = |index: usize| f64::from(samples.get(index).or(samples.last()).copied().unwrap_or(0));
    let sample = |index: u64| {
        let place = index as f64 * f64::from(from_hz) / f64::from(to_hz);
        let (before, share) = (place as usize, place.fract());
        (at(before) * (1.0 - share) + at(before + 1) * share).round() as i16
    };
    (0..count).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_brought_to_another_rate() {
        let file = crate::sound::wav(&[0, 100, 200, 300], 16_000, 1);
        assert_eq!(samples(&file), Some((vec![0, 100, 200, 300], 16_000)));
        assert_eq!(samples(&file[..44]), None);
        assert_eq!(samples(b"flite: no such voice"), None);
        assert_eq!(resampled(&[0, 100, 200, 300], 16_000, 24_000), [0, 67, 133, 200, 267, 300]);
        assert_eq!(resampled(&[0, 100, 200, 300], 16_000, 8_000), [0, 200]);
    }

    #[test]
    fn what_has_no_words_or_too_many_is_said_by_nobody() {
        assert_eq!(say("♪ … ♪", 1.0, 24_000), None);
        assert_eq!(say(&"water ".repeat(200), 1.0, 24_000), None);
    }
}
