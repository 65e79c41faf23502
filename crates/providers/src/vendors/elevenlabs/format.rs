//! What music comes as.

use std::{
    fs::File,
    io::{self, Write},
};

/// Beyond what the format says, an answer may be larger by this share and so many bytes: headers, a picture, the words.
const SLACK: f64 = 1.25;
const SLACK_BYTES: u64 = 4 * 1024 * 1024;
const BYTES_PER_SAMPLE: u64 = 2;
/// Subscriptions by the vendor's names for them, from the smallest on. There are more above these.
const TIERS: [&str; 4] = ["free", "starter", "creator", "pro"];
/// The least of them for MP3 of so many bits a second, and for samples at such a rate.
const RICH_MP3: (u64, &str) = (192_000, "creator");
const RICH_PCM: (u32, &str) = (44_100, "pro");

/// An output format by the vendor's name for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutputFormat {
    pub name: String,
    bytes_per_second: u64,
    /// Of samples without a file around them.
    pcm_rate_hz: Option<u32>,
}

impl OutputFormat {
    /// `None` for what is none, and for telephone sound, which is no music.
    pub fn parse(name: &str) -> Option<Self> {
        let number = |text: &str, least: u64, most: u64| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u64>().ok().filter(|number| is_number && (least..=most).contains(number))
        };
        let rate = |text: &str| number(text, 8_000, 48_000);
        let parts: Vec<&str> = name.split('_').collect();
        let (bytes_per_second, pcm_rate_hz) = match parts.as_slice() {
            // The most that the vendor knows: its own choice changes with the model.
            ["auto"] => (320 * 125, None),
            ["mp3" | "opus", rate_hz, kbps] => (rate(rate_hz).and(number(kbps, 8, 510))? * 125, None),
            ["pcm", rate_hz] => {
                let rate_hz = rate(rate_hz)?;
                (rate_hz * 2 * BYTES_PER_SAMPLE, u32::try_from(rate_hz).ok())
            }
            _ => return None,
        };
        Some(Self { name: name.to_owned(), bytes_per_second, pcm_rate_hz })
    }

    /// The least subscription that it comes with, where the one named is below; `None` where it may be had, or nobody knows.
    pub fn larger_tier(&self, tier: &str) -> Option<&'static str> {
        let least = match self.pcm_rate_hz {
            Some(rate_hz) => (rate_hz >= RICH_PCM.0).then_some(RICH_PCM.1),
            None => (self.name.starts_with("mp3_") && self.bytes_per_second * 8 >= RICH_MP3.0).then_some(RICH_MP3.1),
        }?;
        let place = |name: &str| TIERS.iter().position(|tier| *tier == name);
        (place(tier)? < place(least)?).then_some(least)
    }

    /// Most that an answer of so many seconds may have.
    pub fn most_bytes(&self, seconds: f64) -> u64 {
        (self.bytes_per_second as f64 * seconds * SLACK).ceil() as u64 + SLACK_BYTES
    }

    /// Begins a file for so many bytes of sound that ought to last so many seconds: samples without a file get a WAV header, in
    /// mono or stereo, whichever the length says. The vendor does not say it.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn begin(&self, file: &mut File, bytes: u64, seconds: f64) -> io::Result<()> {
        let Some(rate_hz) = self.pcm_rate_hz else { return Ok(()) };
        let of_mono = (f64::from(rate_hz) * seconds * BYTES_PER_SAMPLE as f64).max(1.0);
        let channels: u16 = if bytes as f64 / of_mono < 1.5 { 1 } else { 2 };
        let size = u32::try_from(bytes).unwrap_or(u32::MAX - 36);
        let frame_bytes = channels * BYTES_PER_SAMPLE as u16;
        let mut head = Vec::with_capacity(44);
        head.extend_from_slice(b"RIFF");
        head.extend_from_slice(&size.saturating_add(36).to_le_bytes());
        head.extend_from_slice(b"WAVEfmt ");
        head.extend_from_slice(&16_u32.to_le_bytes());
        head.extend_from_slice(&1_u16.to_le_bytes());
        head.extend_from_slice(&channels.to_le_bytes());
        head.extend_from_slice(&rate_hz.to_le_bytes());
        head.extend_from_slice(&(rate_hz * u32::from(frame_bytes)).to_le_bytes());
        head.extend_from_slice(&frame_bytes.to_le_bytes());
        head.extend_from_slice(&16_u16.to_le_bytes());
        head.extend_from_slice(b"data");
        head.extend_from_slice(&size.to_le_bytes());
        file.write_all(&head)
    }

    /// Whether the sound is a file as it comes.
    pub const fn is_file(&self) -> bool {
        self.pcm_rate_hz.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_formats_are_read() {
        let check = |name: &str, is_format: bool| {
            assert_eq!(OutputFormat::parse(name).is_some(), is_format, "{name}");
        };
        for name in ["auto", "mp3_22050_32", "mp3_44100_128", "mp3_48000_320", "opus_48000_96", "pcm_44100"] {
            check(name, true);
        }
        for name in ["", "mp3", "mp3_44100", "mp3_44100_", "mp3_+4100_128", "pcm_1", "pcm_44100_2", "ulaw_8000", "wav"]
        {
            check(name, false);
        }
    }

    #[test]
    fn the_best_formats_come_with_larger_subscriptions() {
        let check = |name: &str, tier: &str, least: Option<&str>| {
            assert_eq!(OutputFormat::parse(name).unwrap().larger_tier(tier), least, "{name} for {tier}");
        };
        check("mp3_44100_128", "free", None);
        check("mp3_44100_192", "starter", Some("creator"));
        check("mp3_44100_192", "creator", None);
        check("mp3_48000_320", "free", Some("creator"));
        check("pcm_32000", "free", None);
        check("pcm_44100", "creator", Some("pro"));
        check("pcm_44100", "pro", None);
        for unknown in ["scale", "growing_business", ""] {
            check("pcm_48000", unknown, None);
        }
        check("opus_48000_192", "free", None);
        check("auto", "free", None);
    }

    #[test]
    fn an_answer_has_the_size_of_its_format_and_a_little_more() {
        let most = |name: &str| OutputFormat::parse(name).unwrap().most_bytes(100.0) - SLACK_BYTES;
        assert_eq!(most("mp3_44100_128"), 2_000_000);
        assert_eq!(most("pcm_44100"), 22_050_000);
    }
}
