//! What this process has to make songs with, found once when it starts: the same settings need not find the same on two
//! machines.

use serde::Serialize;
use settings::{EngineSettings, SpeechSetting};
use speech::Flite;
use voice::{Speaker as _, Voice};

/// As `GET /health` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Equipment {
    /// What finds the pitch.
    pitch_tracker: &'static str,
    /// Who could: the one that is built in, and the models whose files were there.
    pitch_trackers: Vec<&'static str>,
    /// What lends the singer its voices: `flite` or `none`.
    speech: &'static str,
    /// Who can be asked to sing.
    voices: Vec<String>,
    /// The sound font of the settings, or `system` for the best that is found when something is first played.
    soundfont: &'static str,
}

impl Equipment {
    /// Blocking: asks the speech synthesizer for its voices. Whether it works is for [`crate::probe`] to say.
    pub fn find(settings: &EngineSettings) -> Self {
        let flite = match &settings.speech {
            SpeechSetting::Off => None,
            SpeechSetting::Auto => Flite::find(),
            SpeechSetting::At(program) => Flite::at(program).ok(),
        };
        let spoken = flite.as_ref().map(Flite::voices).unwrap_or_default();
        Self {
            pitch_tracker: settings.f0_tracker.as_str(),
            pitch_trackers: providers::pitch_trackers(settings),
            speech: if flite.is_some() { "flite" } else { "none" },
            voices: std::iter::once(Voice::Formant).chain(spoken).map(|voice| voice.to_string()).collect(),
            soundfont: if settings.soundfont.is_some() { "configured" } else { "system" },
        }
    }
}
