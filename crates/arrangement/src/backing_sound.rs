//! Music that services deliver as finished sound, to lie under a voice: checked when it comes, and brought to the length of its song.

use std::{fs::File, time::Duration};

use domain::{Failure, FailureClass, FailureCode};
use media::{Bounds, Master, Multitrack};
use providers::AudioInput;
use serde::{Deserialize, Serialize};

use crate::{
    mastering::{RATE_HZ, of_media},
    rendering::{LOUDNESS, MOST_SECONDS},
    sound_song::{Trim, facts, frames},
};

/// What it is called among the stems.
pub const BACKING: &str = "backing";
/// Further from the length of the song than this, in seconds, it was made for another one.
const NEAR_SECONDS: f64 = 0.5;
/// Services are asked for whole seconds.
const WHOLE_SECONDS: f64 = 1.0;
/// A larger share of samples at full scale is heard.
const MOST_CLIPPED: f64 = 0.005;
const DECODED_WITHIN: Duration = Duration::from_secs(300);

/// What is known of music that came as sound.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackingSound {
    /// As it was delivered, measured.
    pub seconds: f64,
    /// Of what its bytes are, whatever was said of them.
    pub media_type: String,
}

impl BackingSound {
    /// Of what [`Self::mono`] gives, in Hz.
    pub const RATE_HZ: u32 = RATE_HZ;

    /// Measures what a service delivered for a song of so many seconds. Blocking: decodes all of it.
    ///
    /// # Errors
    /// `Transient`: with [`FailureCode::ProviderUnavailable`] as a fault of whoever sent it (no sound that can be decoded, silence,
    /// damage, clipping, another length), with another for one of ours.
    pub fn check(sound: &AudioInput, song_seconds: f64) -> Result<Self, Failure> {
        let facts = facts(sound, misfit)?;
        if facts.clipped_share > MOST_CLIPPED {
            return Err(misfit(&format!("of which {:.1} % are clipped", 100.0 * facts.clipped_share)));
        }
        let seconds = facts.duration_seconds;
        let fitting = song_seconds - NEAR_SECONDS..=song_seconds + WHOLE_SECONDS + NEAR_SECONDS;
        if !fitting.contains(&seconds) {
            return Err(misfit(&format!("that lasts {seconds:.1} s, and the song lasts {song_seconds:.1} s")));
        }
        Ok(Self { seconds, media_type: facts.format.media_type().to_owned() })
    }

    /// Its sound as one channel, at the rate of songs. Blocking.
    ///
    /// # Errors
    /// `Transient` when it cannot be read, `Config` when it no longer decodes.
    pub fn mono(sound: File) -> Result<Vec<f32>, Failure> {
        let decoded = media::decode_mono(sound, RATE_HZ, &bounds()).map_err(|error| of_media(&error))?;
        Ok(decoded.samples)
    }

    /// Brings it to the loudness of every song and, cut or followed by silence, to the length of its song, to the frame; with itself
    /// as its only stem where that is wanted. Blocking.
    ///
    /// # Errors
    /// `Transient` when there is no room for temporary files, `Config` when it no longer decodes.
    pub fn levelled(&self, sound: File, song_seconds: f64, keep_stem: bool) -> Result<Master, Failure> {
        let stems = usize::from(keep_stem);
        let mut tracks = Multitrack::new(RATE_HZ, stems).map_err(|error| of_media(&error))?;
        let mut trim = Trim::at(self.seconds.min(song_seconds));
        let decoded = media::decode_stereo(sound, RATE_HZ, &bounds(), |block| {
            let kept = [trim.of(block)];
            tracks.push(&kept[0], &kept[..stems])
        });
        decoded.map_err(|error| of_media(&error))?;
        let missing = frames(song_seconds).saturating_sub(trim.kept());
        let silence = [vec![0.0; 2 * usize::try_from(missing).unwrap_or(0)]];
        tracks.push(&silence[0], &silence[..stems]).map_err(|error| of_media(&error))?;
        tracks.master(LOUDNESS.lufs, LOUDNESS.max_dbtp).map_err(|error| of_media(&error))
    }
}

fn bounds() -> Bounds {
    Bounds { deadline: DECODED_WITHIN, ..Bounds::for_duration(MOST_SECONDS) }
}

/// The failure of a service that sent music which is not what was asked for. `what` is said behind "music".
pub fn misfit(what: &str) -> Failure {
    let message = format!("the service that accompanies sent music {what}");
    Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, message)
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use media::{Encoding, MediaError, Tags};

    use super::*;

    fn sound(seconds: f64, level: f32) -> AudioInput {
        let count = (seconds * 32_000.0) as u32;
        let sample = |at: u32| (level * (at as f32 * 0.05).sin()).clamp(-1.0, 1.0);
        let samples: Vec<f32> = (0..count).flat_map(|at| [sample(at); 2]).collect();
        let wav = media::encode(&samples, 32_000, 2, Encoding::Wav16, &Tags::default()).unwrap();
        file(&wav)
    }

    fn file(bytes: &[u8]) -> AudioInput {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        AudioInput::new(file).unwrap()
    }

    #[test]
    fn what_is_not_music_for_the_song_is_told() {
        let check = |sound: AudioInput, word: Option<&str>| match (BackingSound::check(&sound, 5.2), word) {
            (Ok(found), None) => assert_eq!(found.media_type, "audio/wav"),
            (Err(failure), Some(word)) => {
                assert_eq!(failure.code, FailureCode::ProviderUnavailable);
                assert!(failure.message.contains(word), "{failure}");
            }
            (found, word) => panic!("{found:?} for {word:?}"),
        };
        check(sound(5.2, 0.3), None);
        check(sound(4.75, 0.3), None);
        check(sound(6.6, 0.3), None);
        check(sound(4.6, 0.3), Some("lasts 4.6 s"));
        check(sound(6.8, 0.3), Some("lasts 6.8 s"));
        check(sound(5.2, 0.0), Some("silent"));
        check(sound(5.2, 40.0), Some("clipped"));
        check(file(b"<!doctype html>"), Some("cannot be played"));
    }

    #[test]
    fn it_is_as_long_as_its_song_and_its_stem_is_itself() {
        for seconds in [4.8, 5.2, 6.3] {
            let sound = sound(seconds, 0.3);
            let known = BackingSound::check(&sound, 5.2).unwrap();
            let master = known.levelled(sound.reopen().unwrap(), 5.2, true).unwrap();
            assert_eq!((master.frames(), master.stems()), (frames(5.2), 1));
            assert!((master.loudness.integrated_lufs.unwrap() - LOUDNESS.lufs).abs() < 0.6, "{:?}", master.loudness);
            let mut last = 0.0_f32;
            let compare = |mix: &[f32], stems: &[Vec<f32>]| {
                assert!(mix.iter().zip(&stems[0]).all(|(mix, stem)| (mix - stem).abs() < 1e-4));
                last = mix.last().copied().unwrap_or(last);
                Ok::<_, MediaError>(())
            };
            master.each_together(compare).unwrap();
            assert!(last.abs() < 0.01, "{seconds}: {last}");
        }
        assert_eq!(BackingSound::mono(sound(2.0, 0.3).reopen().unwrap()).unwrap().len().div_ceil(1_000), 89);
    }
}
