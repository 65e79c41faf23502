//! Whether the engine does what it is there for, found out by doing a little of it.

use std::f64::consts::TAU;

use voice::SpokenWord;

use super::{ANALYSIS_RATE_HZ, OfflineEngine};

/// What is listened to: long enough for every tracker, in the middle of what all of them hear, and with overtones as a voice has.
const TONE_HZ: f64 = 220.0;
const TONE_SECONDS: f64 = 0.5;
const PARTIALS: u8 = 6;
/// How far off its pitch may be found: half a semitone.
const TONE_TOLERANCE: f64 = 0.03;

impl OfflineEngine {
    /// What does not work, by its name, with the reason. Takes no slot, so that it is answered while all are in use. Blocking: some
    /// tens of milliseconds.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let parts = [("pitch_tracker", self.hears()), ("voices", self.speaks())];
        parts.into_iter().filter_map(|(part, outcome)| Some((part, outcome.err()?))).collect()
    }

    fn hears(&self) -> Result<(), String> {
        let rate = f64::from(ANALYSIS_RATE_HZ);
        let partial = |seconds: f64, number: f64| (TAU * TONE_HZ * number * seconds).sin() / number;
        let at = |index: usize| {
            let seconds = index as f64 / rate;
            (1..=PARTIALS).map(|number| 0.3 * partial(seconds, f64::from(number))).sum::<f64>() as f32
        };
        let tone: Vec<f32> = (0..(TONE_SECONDS * rate) as usize).map(at).collect();
        let track = self.tracker.track(&tone, ANALYSIS_RATE_HZ, &mut |_| ()).map_err(|error| error.to_string())?;
        let found = track.at(TONE_SECONDS / 2.0).map_or(0.0, |frame| f64::from(frame.hz));
        let is_right = (found / TONE_HZ - 1.0).abs() <= TONE_TOLERANCE;
        if is_right { Ok(()) } else { Err(format!("a tone of {TONE_HZ} Hz is heard as {found:.1} Hz")) }
    }

    fn speaks(&self) -> Result<(), String> {
        let Some(speaker) = &self.speaker else { return Ok(()) };
        let voice = speaker.voices().into_iter().next().ok_or("the synthesizer has no voice")?;
        let word = SpokenWord { text: "la".to_owned(), phones: ["L", "AA1"].map(str::to_owned).to_vec() };
        let said = speaker.say(voice, &[word]).map_err(|error| error.to_string())?;
        let is_heard = said.samples.iter().any(|sample| sample.abs() > 0.01);
        if is_heard { Ok(()) } else { Err(format!("the voice {voice} says nothing")) }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use settings::{EngineSettings, SpeechSetting};

    use super::super::tests::synthesizer;
    use super::*;

    #[test]
    fn what_no_longer_works_is_found() {
        let engine = |speech| OfflineEngine::new(&EngineSettings { speech, ..EngineSettings::default() }, 1).unwrap();
        let faults = engine(SpeechSetting::Off).faults();
        assert!(faults.is_empty(), "it hears, and has nobody to speak: {faults:?}");
        let folder = tempfile::tempdir().unwrap();
        // It has voices, and says nothing.
        let mute = engine(synthesizer(&folder.path().join("flite"), "mute"));
        let faults = mute.faults();
        assert_eq!(faults.iter().map(|(part, _)| *part).collect::<Vec<_>>(), ["voices"], "{faults:?}");
    }
}
