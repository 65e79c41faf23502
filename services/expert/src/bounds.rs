//! What a melody from outside may be. The engine believes its own melodies; one that a caller made up could ask for
//! hours of sound, and the memory of this process would end before they do.

use music::Melody;

use crate::refusal::Refusal;

/// Notes may end a little after the recording does: the tracker's last frame reaches over its end.
const SLACK_SECONDS: f64 = 1.0;
/// Tempi that a request may tell, in beats per minute; the engine itself finds none outside.
const TEMPO_BPM: std::ops::RangeInclusive<f64> = domain::options::Tempo::BPM;

/// Four times the beats of the fastest tempo.
const MOST_BEATS_PER_SECOND: f64 = 16.0;

/// A melody that is sung may be that of a whole song: one that was composed, or a hum with the intro and the ending of its band.
pub fn longest_sung_seconds(longest_recording_seconds: f64) -> f64 {
    const INTRO_AND_ENDING_SECONDS: f64 = 60.0;
    let composed = f64::from(domain::kinds::composition::MOST_MS) / 1e3;
    composed.max(longest_recording_seconds + INTRO_AND_ENDING_SECONDS)
}

/// Refuses a melody that is longer than `max_seconds` in any of its parts, or whose parts do not belong together.
pub fn check(melody: &Melody, max_seconds: f64) -> Result<(), Refusal> {
    let refuse = |what: &str| Err(Refusal::invalid(format!("melody: {what}")));
    let longest = max_seconds + SLACK_SECONDS;
    // Written so that a NaN is refused too.
    let fits = |seconds: f64| (0.0..=longest).contains(&seconds);
    if !fits(melody.duration_seconds) {
        return refuse(&format!("expected a duration_seconds from 0 to {max_seconds}"));
    }
    let track = &melody.track;
    if !(track.hop_seconds > 0.0 && fits(track.duration_seconds())) {
        return refuse("expected a track with a hop above 0 s and no longer than the longest recording");
    }
    if !melody
        .notes
        .iter()
        .chain(melody.sung_notes())
        .all(|note| fits(note.onset_seconds) && fits(note.duration_seconds) && fits(note.end_seconds()))
    {
        return refuse("expected notes within the longest recording");
    }
    if !melody.notes.is_sorted_by(|note, next| note.onset_seconds <= next.onset_seconds) {
        return refuse("expected notes in the order of their onsets");
    }
    if melody.sung_notes().len() != melody.notes.len() {
        return refuse("expected as many uncorrected notes as notes");
    }
    let beats = &melody.rhythm.beats_seconds;
    if !(beats.iter().all(|&beat| fits(beat)) && beats.is_sorted_by(|beat, next| beat < next)) {
        return refuse("expected rising beats within the longest recording");
    }
    if beats.len() as f64 > longest * MOST_BEATS_PER_SECOND {
        return refuse("expected fewer beats");
    }
    let mut covered = 0;
    for phrase in &melody.phrases {
        if phrase.start != covered || phrase.end <= phrase.start {
            return refuse("expected phrases that cover the notes in order");
        }
        covered = phrase.end;
    }
    if covered != melody.notes.len() {
        return refuse("expected phrases that cover the notes in order");
    }
    if !TEMPO_BPM.contains(&melody.tempo_bpm) {
        return refuse("expected a tempo_bpm from 20 to 300");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use music::{
        Melody, MidiPitch, Note, Phrase, PitchFrame, PitchTrack,
        key::{Key, Mode},
    };

    use super::*;

    const MAX_SECONDS: f64 = 10.0;

    fn melody() -> Melody {
        let note = |onset_seconds| Note {
            onset_seconds,
            duration_seconds: 1.0,
            pitch: MidiPitch::new(60),
            cents: 0.0,
            velocity: 90,
        };
        Melody {
            duration_seconds: 10.0,
            track: PitchTrack {
                hop_seconds: 0.01,
                frames: vec![PitchFrame { hz: 261.6, confidence: 1.0, voiced: true }; 1000],
            },
            notes: vec![note(0.0), note(2.0), note(9.5)],
            phrases: vec![Phrase { start: 0, end: 2 }, Phrase { start: 2, end: 3 }],
            key: Key { tonic: 0, mode: Mode::Major, confidence: 1.0 },
            tempo_bpm: 120.0,
            ..Melody::default()
        }
    }

    #[test]
    fn a_melody_of_the_engine_passes() {
        assert!(check(&melody(), MAX_SECONDS).is_ok());
    }

    #[test]
    fn whatever_would_ask_for_endless_sound_is_refused() {
        let refused = |what: &str, change: fn(&mut Melody)| {
            let mut made_up = melody();
            change(&mut made_up);
            assert!(check(&made_up, MAX_SECONDS).is_err(), "{what}");
        };
        refused("long recording", |m| m.duration_seconds = 1e7);
        refused("no duration", |m| m.duration_seconds = f64::NAN);
        refused("long note", |m| m.notes[2].duration_seconds = 1e7);
        refused("endless note", |m| m.notes[2].duration_seconds = f64::INFINITY);
        refused("late note", |m| m.notes[2].onset_seconds = 1e7);
        refused("note before the start", |m| m.notes[0].onset_seconds = -1.0);
        refused("disorder", |m| m.notes.swap(0, 1));
        refused("no hop", |m| m.track.hop_seconds = 0.0);
        refused("long hop", |m| m.track.hop_seconds = 1e4);
        refused("phrase past the notes", |m| m.phrases[1].end = 999);
        refused("phrase backwards", |m| m.phrases[0] = Phrase { start: 2, end: 0 });
        refused("notes without a phrase", |m| m.phrases.truncate(1));
        refused("endless beats", |m| m.rhythm.beats_seconds = vec![1e300]);
        refused("beats backwards", |m| m.rhythm.beats_seconds = vec![2.0, 1.0]);
        refused("a sea of beats", |m| m.rhythm.beats_seconds = (0..1000).map(|i| f64::from(i) * 0.01).collect());
        refused("notes lost", |m| m.uncorrected = Some(Vec::new()));
        refused("long sung note", |m| {
            m.uncorrected = Some(m.notes.clone());
            m.uncorrected.iter_mut().flatten().for_each(|note| note.duration_seconds = 1e7);
        });
        refused("no tempo", |m| m.tempo_bpm = 0.0);
    }
}
