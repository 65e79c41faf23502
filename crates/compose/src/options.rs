//! What may be asked of a song beside the sentence. What stands here wins over what the sentence says.

use music::Key;
use serde::{Deserialize, Serialize};

use crate::{
    chart::ChordChart,
    error::ComposeError,
    genre::Genre,
    instrument::Instrument,
    limits::{LEAST_BPM, LEAST_SECONDS, MOST_BPM, MOST_SECONDS},
    role::Role,
    style::Style,
    wishes::{Era, Form, Mood},
};

/// What is asked in so many words. What is absent is taken from the sentence, and else from the style and the seed.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    pub style: Option<Style>,
    /// What the style stands in for; alone, it is played in its style.
    pub genre: Option<Genre>,
    pub mood: Option<Mood>,
    /// Kept exactly: a song of a stated tempo meets its length by a pickup and by the hold of its last chord.
    pub tempo_bpm: Option<f64>,
    pub key: Option<Key>,
    /// Played bar by bar, from the first bar on and again from its start when it is over.
    pub chords: Option<ChordChart>,
    pub form: Option<Form>,
    /// Who plays. Each takes over the part that suits it; drums that are named here are played, in any style.
    pub instruments: Vec<Instrument>,
    /// Parts that are not played.
    pub without: Vec<Role>,
    /// Instruments that do not play, whatever part they would have.
    pub without_instruments: Vec<Instrument>,
    pub era: Option<Era>,
    /// How much the band gives, 0 to 1.
    pub energy: Option<f64>,
    /// Exact length. Where neither this nor the sentence says one, the form decides and the answer reports it.
    pub seconds: Option<f64>,
    /// Whether nobody sings. If `false`, the melody keeps to the range of a voice and leaves room to breathe. True where
    /// neither this nor the sentence says.
    pub instrumental: Option<bool>,
    /// The same sentence, options and seed give the same song, note for note.
    pub seed: u64,
}

impl Options {
    /// # Errors
    ///
    /// The first option that is out of its range.
    pub fn check(&self) -> Result<(), ComposeError> {
        if let Some(seconds) = self.seconds {
            check_seconds(seconds)?;
        }
        if let Some(bpm) = self.tempo_bpm.filter(|bpm| !(LEAST_BPM..=MOST_BPM).contains(bpm)) {
            return Err(ComposeError::Tempo { bpm });
        }
        if let Some(value) = self.energy.filter(|energy| !(0.0..=1.0).contains(energy)) {
            return Err(ComposeError::Energy { value });
        }
        if Role::ALL.iter().all(|role| self.without.contains(role)) {
            return Err(ComposeError::NobodyPlays);
        }
        Ok(())
    }
}

pub(crate) fn check_seconds(seconds: f64) -> Result<(), ComposeError> {
    // Not-a-number is in no range.
    if (LEAST_SECONDS..=MOST_SECONDS).contains(&seconds) { Ok(()) } else { Err(ComposeError::Seconds { seconds }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_checked_at_their_edges() {
        let check = |change: fn(&mut Options), code: Option<&str>| {
            let mut options = Options::default();
            change(&mut options);
            assert_eq!(options.check().err().map(|error| error.code()), code, "{options:?}");
        };
        check(|_| (), None);
        check(|o| o.seconds = Some(3.0), None);
        check(|o| o.seconds = Some(2.999), Some("bad_length"));
        check(|o| o.seconds = Some(600.0), None);
        check(|o| o.seconds = Some(600.001), Some("bad_length"));
        check(|o| o.seconds = Some(f64::NAN), Some("bad_length"));
        check(|o| o.tempo_bpm = Some(40.0), None);
        check(|o| o.tempo_bpm = Some(39.9), Some("bad_tempo"));
        check(|o| o.tempo_bpm = Some(240.1), Some("bad_tempo"));
        check(|o| o.energy = Some(1.01), Some("bad_energy"));
        check(|o| o.energy = Some(f64::NAN), Some("bad_energy"));
        check(|o| o.without = Role::ALL.to_vec(), Some("nobody_plays"));
    }

    #[test]
    fn options_are_read_from_json() {
        let json = r#"{"style": "bossa", "chords": "| C | Am7 F | G7 |", "form": "aaba", "instruments": ["nylon-guitar"],
            "seconds": 31.5, "seed": 7}"#;
        let options: Options = serde_json::from_str(json).unwrap();
        assert_eq!(options.chords.as_ref().unwrap().bars().len(), 3);
        let again: Options = serde_json::from_str(&serde_json::to_string(&options).unwrap()).unwrap();
        assert_eq!(again, options);
        let error = serde_json::from_str::<Options>(r#"{"chords": "| C | H |"}"#).unwrap_err();
        assert!(error.to_string().contains("column 7"), "{error}");
    }
}
