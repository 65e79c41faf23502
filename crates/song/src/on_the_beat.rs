//! Singing with a band: what is late or early by ear is sung earlier or later. A singer's syllables begin where their vowels are
//! heard and not where their notes are written, and a consonant moves that by some 10 to 50 ms.

use std::{sync::Arc, time::Instant};

use domain::Failure;
use lyrics::Lyrics;
use music::Melody;
use providers::{
    CallScope, Capabilities, Need, ProgressSink, Provided, ProviderCall, Stop, Vocal, VocalSynthesizer, blocking,
};
use voice::{Onset, VoiceOptions, onsets_near};

use crate::vowel_notes;

/// How often it is sung at most: once as written, then against what was heard.
const ROUNDS: u32 = 3;
/// What is heard further away is another onset.
const REACH_SECONDS: f64 = 0.1;
/// Share of an error that is taken back in a round, and most that a note is moved in all.
const SHARE: f64 = 0.8;
const MOST_SHIFT_SECONDS: f64 = 0.07;
/// Nearer than this is together.
const TOGETHER_SECONDS: f64 = 0.025;
/// When this share is together, it is good enough.
const ENOUGH: f64 = 0.97;

/// What is sung, and by what.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    pub melody: &'a Melody,
    pub lyrics: &'a Lyrics,
    pub voice: &'a VoiceOptions,
}

/// Sings, listens, and sings again with the notes moved against what was heard; keeps the round whose vowels are nearest to
/// their notes. A later round that fails, or that the time is too short for, leaves the best before it.
///
/// # Errors
/// What the chain answers to the first round.
pub async fn sing(
    capabilities: &Capabilities,
    scope: CallScope<'_>,
    part: Part<'_>,
    progress: &ProgressSink,
) -> Result<Provided<Vocal>, Stop> {
    let started = Instant::now();
    let notes = vowel_notes(part.melody, part.lyrics);
    let mut shifts = vec![0.0; notes.len()];
    let mut best: Option<(f64, Provided<Vocal>)> = None;
    for round in 0..ROUNDS {
        let left = scope.remaining.saturating_sub(started.elapsed());
        if best.as_ref().is_some_and(|(_, vocal)| left < vocal.took * 3) {
            break;
        }
        let melody = moved(part.melody, &notes, &shifts);
        let share = move |done: f64| (f64::from(round) + done) / f64::from(ROUNDS);
        let sink = progress.clone();
        let progress: ProgressSink = Arc::new(move |done| sink(share(done)));
        let sung = once(capabilities, scope.within(left), Part { melody: &melody, ..part }, &progress).await;
        let vocal = match (sung, &best) {
            (Ok(vocal), _) => vocal,
            (Err(stop), None) => return Err(stop),
            // It goes on where it was.
            (Err(stop @ Stop::Parked(_)), Some(_)) => return Err(stop),
            (Err(_), Some(_)) => break,
        };
        let (vocal, heard) = listened(vocal, part.melody, &notes).await?;
        let together = share_together(&heard);
        for (shift, offset) in shifts.iter_mut().zip(&heard) {
            *shift = (*shift - SHARE * offset.unwrap_or(0.0)).clamp(-MOST_SHIFT_SECONDS, MOST_SHIFT_SECONDS);
        }
        if best.as_ref().is_none_or(|(most, _)| together > *most) {
            best = Some((together, vocal));
        }
        if together >= ENOUGH {
            break;
        }
    }
    let (_, mut best) = best
        .ok_or_else(|| Failure::new(domain::FailureClass::Config, domain::FailureCode::Internal, "nothing was sung"))?;
    best.took = started.elapsed();
    Ok(best)
}

/// Sings as written.
pub async fn once<'a>(
    capabilities: &Capabilities,
    scope: CallScope<'a>,
    Part { melody, lyrics, voice }: Part<'_>,
    progress: &ProgressSink,
) -> Result<Provided<Vocal>, Stop> {
    let call = |singer: Arc<dyn VocalSynthesizer>, call: ProviderCall<'a>| {
        let progress = progress.clone();
        async move { singer.sing(melody, lyrics, voice, progress, &call).await }
    };
    let need = Need { language: lyrics.language.parse().ok(), ..Need::default() };
    capabilities.vocals.call(scope, &need, call).await
}

/// Seconds from each note to where its vowel is heard.
async fn listened(
    vocal: Provided<Vocal>,
    melody: &Melody,
    notes: &[usize],
) -> Result<(Provided<Vocal>, Vec<Option<f64>>), Failure> {
    let moments: Vec<f64> = notes.iter().map(|note| melody.notes[*note].onset_seconds).collect();
    blocking(move || {
        let Vocal { samples, sample_rate_hz, .. } = &vocal.value;
        let heard = onsets_near(samples, *sample_rate_hz, &moments, REACH_SECONDS, Onset::Vowel);
        (vocal, heard)
    })
    .await
}

fn share_together(heard: &[Option<f64>]) -> f64 {
    let together = heard.iter().flatten().filter(|offset| offset.abs() <= TOGETHER_SECONDS).count();
    together as f64 / heard.len().max(1) as f64
}

/// The melody with the onsets of some notes moved; each ends where it did, and the one before makes room.
fn moved(melody: &Melody, notes: &[usize], shifts: &[f64]) -> Melody {
    let mut moved = melody.clone();
    for (note, shift) in notes.iter().zip(shifts).filter(|(_, shift)| **shift != 0.0) {
        let earliest = match note.checked_sub(1).map(|before| &moved.notes[before]) {
            Some(before) => before.onset_seconds + 0.5 * (melody.notes[*note].onset_seconds - before.onset_seconds),
            None => 0.0,
        };
        let own = &mut moved.notes[*note];
        let end = own.end_seconds();
        let latest = own.onset_seconds + 0.5 * own.duration_seconds;
        own.onset_seconds = (own.onset_seconds + shift).clamp(earliest.min(latest), latest);
        own.duration_seconds = end - own.onset_seconds;
        let onset = own.onset_seconds;
        if let Some(before) = note.checked_sub(1).map(|before| &mut moved.notes[before]) {
            // What was sung up to the onset is sung up to it again.
            let was_legato = (melody.notes[*note].onset_seconds - before.end_seconds()).abs() < 0.02;
            if was_legato || before.end_seconds() > onset {
                before.duration_seconds = (onset - before.onset_seconds).max(0.01);
            }
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use music::{MidiPitch, Note};

    use super::*;

    fn melody() -> Melody {
        let note = |onset_seconds, duration_seconds| Note {
            onset_seconds,
            duration_seconds,
            pitch: MidiPitch::new(60),
            cents: 0.0,
            velocity: 80,
        };
        Melody { notes: vec![note(1.0, 0.5), note(1.5, 0.5), note(2.2, 0.1), note(2.3, 1.0)], ..Melody::default() }
    }

    #[test]
    fn notes_move_and_their_neighbours_make_room() {
        let moved = moved(&melody(), &[0, 1, 2, 3], &[-0.03, 0.04, -0.02, -0.045]);
        let shown: Vec<(f64, f64)> = moved
            .notes
            .iter()
            .map(|note| ((1000.0 * note.onset_seconds).round() / 1e3, (1000.0 * note.end_seconds()).round() / 1e3))
            .collect();
        assert_eq!(shown, [(0.97, 1.54), (1.54, 2.0), (2.18, 2.255), (2.255, 3.3)]);
    }

    #[test]
    fn no_shift_is_no_change() {
        assert_eq!(moved(&melody(), &[0, 2], &[0.0, 0.0]), melody());
    }
}
