//! What is not to be heard: parts of the band and instruments, by the words that people rule them out with.

use std::str::FromStr;

use crate::{instrument::Instrument, role::Role};

/// What one word rules out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Without {
    pub roles: Vec<Role>,
    pub instruments: Vec<Instrument>,
}

impl Without {
    /// What is left out when an instrument is named in these words: "guitar" means every guitar, "synths" all of them, "bass" the
    /// part.
    pub fn of(instrument: Instrument, words: &str) -> Self {
        let part = |role| Self { roles: vec![role], instruments: Vec::new() };
        let all = |instruments| Self { roles: Vec::new(), instruments };
        match instrument {
            Instrument::Drums => part(Role::Drums),
            Instrument::BassGuitar => part(Role::Bass),
            Instrument::SynthPad => part(Role::Pad),
            Instrument::AcousticGuitar if words.starts_with("guitar") => {
                let is_guitar = |one: &&Instrument| one.name().ends_with("guitar") && one.role() != Role::Bass;
                all(Instrument::ALL.iter().filter(is_guitar).copied().collect())
            }
            Instrument::SynthLead if !words.contains("lead") => {
                all(vec![Instrument::SynthLead, Instrument::SynthPad, Instrument::SynthBass])
            }
            other => all(vec![other]),
        }
    }
}

/// The text names neither a part nor an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected a part (melody, chords, pad, bass, drums) or an instrument")]
pub struct UnknownPlayer;

impl FromStr for Without {
    type Err = UnknownPlayer;

    fn from_str(text: &str) -> Result<Self, UnknownPlayer> {
        let words = text.trim().to_lowercase().replace(['-', '_'], " ");
        let part = |role| Ok(Self { roles: vec![role], instruments: Vec::new() });
        match words.as_str() {
            "melody" | "tune" | "lead" => part(Role::Melody),
            "chords" | "comping" | "accompaniment" => part(Role::Comping),
            _ => words.parse().map(|instrument| Self::of(instrument, &words)).map_err(|_| UnknownPlayer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_rule_out_parts_and_kinds_of_instruments() {
        let check = |word: &str, roles: &[Role], instruments: &[&str]| {
            let without: Without = word.parse().unwrap();
            assert_eq!(without.roles, roles, "{word}");
            assert_eq!(without.instruments.iter().map(|one| one.name()).collect::<Vec<_>>(), instruments, "{word}");
        };
        check("Drums", &[Role::Drums], &[]);
        check("bass", &[Role::Bass], &[]);
        check("pads", &[Role::Pad], &[]);
        check("chords", &[Role::Comping], &[]);
        check("lead", &[Role::Melody], &[]);
        check("flute", &[], &["flute"]);
        check("nylon-guitar", &[], &["nylon-guitar"]);
        check("synths", &[], &["synth-lead", "synth-pad", "synth-bass"]);
        check("synth lead", &[], &["synth-lead"]);
        let guitars = "guitars".parse::<Without>().unwrap().instruments;
        assert!(guitars.len() >= 5 && guitars.contains(&Instrument::DistortedGuitar), "{guitars:?}");
        assert_eq!("kazoo".parse::<Without>(), Err(UnknownPlayer));
    }
}
