//! Songs whose notes somebody elsewhere plays: listened to before they count as played, and mastered like our own. Where nobody
//! does, or what came is no good, the sound font of this process plays.

use std::{ops::ControlFlow, sync::Arc};

use domain::{Failure, FailureClass, FailureCode, Tried};
use media::{Bounds, Master};
use music::Score;
use providers::{AudioInput, CallScope, Chain, Need, PlayedSong, Provided, ProviderCall, SongPlayer, Stop, blocking};
use telemetry::error_chain;

use crate::{
    mastering::{RATE_HZ, mastered, of_media},
    report::SoundSummary,
};

/// A sound may end so much before its last note does, as a share of the song or in seconds, whichever is more: players cut a
/// release, and encoders a frame.
const SHORTER_SHARE: f64 = 0.02;
const SHORTER_SECONDS: f64 = 1.0;
/// And so much behind the song: rooms and releases die away.
const LONGER_SHARE: f64 = 0.02;
const LONGER_SECONDS: f64 = 12.0;
/// Quieter on average than this, in dBFS, nothing is to be heard.
const SILENCE_DBFS: f64 = -60.0;
/// Share of samples with their tops cut off above which that is heard, and no mastering mends it.
const MOST_CLIPPED: f64 = 0.001;

/// Who plays a song.
#[derive(Debug)]
pub struct Players {
    /// Somebody elsewhere has; `None` where it is to be played here.
    pub elsewhere: Option<PlayedElsewhere>,
    /// Who was to play it and did not, and why, as sentences.
    pub warnings: Vec<String>,
}

/// The sound of a song whose notes somebody else has played.
#[derive(Debug)]
pub struct PlayedElsewhere {
    /// The provider.
    pub by: String,
    sound: AudioInput,
    /// As it came, measured.
    seconds: f64,
}

/// Such a sound, ready to be written down.
pub struct Mastered {
    pub master: Master,
    /// Who played it; no font and no stems.
    pub summary: SoundSummary,
    /// How it is otherwise than asked, and what is not known of it.
    pub warnings: Vec<String>,
}

/// Has the notes of a song played by the first who can. A sound that is no good is not asked for again of whoever sent it.
///
/// # Errors
/// What the chain answers where not even this process plays.
pub async fn played<'a>(players: &Chain<dyn SongPlayer>, scope: CallScope<'a>, score: &Score) -> Result<Players, Stop> {
    let lengths = Lengths::of(score);
    let play = |player: Arc<dyn SongPlayer>, call: ProviderCall<'a>| async move {
        match player.play(score, &call).await? {
            PlayedSong::Here => Ok::<_, Stop>(None),
            PlayedSong::Sound(sound) => heard(&call, sound, lengths).await.map(Some),
        }
    };
    let Provided { value: elsewhere, .. } = players.call(scope, &Need::default(), play).await?;
    let tried = scope.calls.tried().await?;
    let told = |Tried { provider, why, .. }: &Tried| format!("{provider} was to play the song and did not: {why}.");
    let is_one = |tried: &&Tried| players.names().any(|name| name == tried.provider);
    Ok(Players { elsewhere, warnings: tried.iter().filter(is_one).map(told).collect() })
}

/// How long a song is, in seconds.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    /// To the end of its last note.
    notes: f64,
    /// To its own end.
    song: f64,
}

impl Lengths {
    fn of(score: &Score) -> Self {
        let last = score.parts.iter().flat_map(|part| &part.notes).map(music::score::ScoreNote::end).max().unwrap_or(0);
        Self { notes: score.seconds_at(last), song: score.seconds() }
    }

    /// What is wrong with a sound of so many seconds, to be said behind "a sound".
    fn fault(self, seconds: f64) -> Option<String> {
        let least = self.notes - (self.notes * SHORTER_SHARE).max(SHORTER_SECONDS);
        let most = self.longest();
        (!(least..=most).contains(&seconds))
            .then(|| format!("that lasts {seconds:.1} s, and the notes last {:.1} s", self.notes))
    }

    fn longest(self) -> f64 {
        self.song.max(self.notes) * (1.0 + LONGER_SHARE) + LONGER_SECONDS
    }
}

/// Listens to what came. It may have been paid for: whoever sent what is no good is not asked for it again.
async fn heard(call: &ProviderCall<'_>, sound: AudioInput, lengths: Lengths) -> Result<PlayedElsewhere, Stop> {
    let by = call.provider.to_string();
    let played = blocking(move || check(by, sound, lengths)).await?;
    played.map_err(|failure| match failure.code {
        FailureCode::ProviderUnavailable => Stop::GivenUp(failure),
        _ => Stop::Failed(failure),
    })
}

/// Blocking: decodes all of it.
fn check(by: String, sound: AudioInput, lengths: Lengths) -> Result<PlayedElsewhere, Failure> {
    let bad = |what: &str| {
        let message = format!("{by} sent a sound {what}");
        Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, message)
    };
    let bounds = Bounds::for_duration(lengths.longest());
    let facts = media::inspect(sound.reopen()?, sound.size_bytes, &bounds).map_err(|error| match error {
        error if error.is_retryable() => of_media(&error),
        error => bad(&format!("that cannot be played: {}", error_chain(&error))),
    })?;
    if facts.peak_dbfs.is_none() || facts.mean_volume_dbfs.is_none_or(|mean| mean < SILENCE_DBFS) {
        return Err(bad("that is silent"));
    }
    if facts.absurd_samples {
        return Err(bad("that is damaged"));
    }
    if facts.clipped_share > MOST_CLIPPED {
        return Err(bad(&format!("of which {:.1} % is clipped", facts.clipped_share * 100.0)));
    }
    if let Some(fault) = lengths.fault(facts.duration_seconds) {
        return Err(bad(&fault));
    }
    Ok(PlayedElsewhere { by, sound, seconds: facts.duration_seconds })
}

impl PlayedElsewhere {
    /// Brings it to the loudness of every song. Blocking; `progress` hears the share that is done, 0–1, and may stop the work.
    ///
    /// # Errors
    /// `Transient` when there is no room for temporary files or the work was stopped, `Config` when it no longer decodes.
    pub fn mastered(
        self,
        asks_for_stems: bool,
        progress: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Mastered, Failure> {
        let Self { by, sound, seconds } = self;
        let (mut at, expected) = (0.0, (seconds * f64::from(RATE_HZ)).max(1.0));
        let master = mastered(sound.reopen()?, seconds + 1.0, &mut |block| {
            at += block.len() as f64 / 2.0;
            progress((at / expected).min(1.0))?;
            ControlFlow::Continue(block.to_vec())
        })?;
        let mut warnings = vec![format!(
            "The song was played by {by}, which does not say on which instruments, nor under which licence."
        )];
        if asks_for_stems {
            warnings.push("There are no stems: the song was played elsewhere, as one sound.".to_owned());
        }
        let summary = SoundSummary {
            duration_seconds: master.frames() as f64 / f64::from(RATE_HZ),
            loudness_lufs: master.loudness.integrated_lufs,
            true_peak_dbtp: master.loudness.true_peak_dbtp,
            stems: Vec::new(),
            renderer: Some(by),
            font: None,
        };
        Ok(Mastered { master, summary, warnings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_is_about_as_long_as_its_notes() {
        let check = |notes: f64, song: f64, seconds: f64, is_good: bool| {
            assert_eq!(Lengths { notes, song }.fault(seconds).is_none(), is_good, "{seconds} s of {notes} s");
        };
        check(100.0, 102.0, 100.0, true);
        check(100.0, 102.0, 98.1, true);
        check(100.0, 102.0, 97.9, false);
        check(100.0, 102.0, 116.0, true);
        check(100.0, 102.0, 117.0, false);
        check(10.0, 10.0, 9.1, true);
        check(10.0, 10.0, 8.9, false);
        check(0.5, 0.5, 0.2, true);
    }
}
