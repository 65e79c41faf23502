//! Music of a provider under the voice, in the place of the band that was arranged: asked for with the tune as it is sung, held
//! against it by ear when it comes, and laid under the voice.

use std::sync::Arc;

use arrangement::{BACKING, BackingSound, SoundSummary, VOICE, misfit, under_voice};
use domain::{
    Failure, FailureCode,
    kinds::melody_vocals::{Label, MelodyToVocalsRequest},
};
use music::Note;
use pitch::{TuneAgreement, tune_agreement};
use providers::{
    Accompanied, AccompanimentOrder, Accompanist, AudioInput, CallScope, Chain, Need, Provided, ProviderCall, Stop,
    blocking,
};
use serde::{Deserialize, Serialize};

use crate::{
    band::{Arranged, BandSound},
    together::{Meeting, Together, together},
};

/// What goes with a tune has more of it than of the tune in other keys, by this factor: what follows a tune has several times as
/// much, other music in its key about as much again, and any other none.
const OVER_TRANSPOSED: f64 = 1.5;
/// And nearly as much as of the tune at other moments, which what is late has more of.
const OF_DISPLACED: f64 = 0.75;

/// What is known of music that came as sound.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivered {
    pub sound: BackingSound,
    pub agreement: TuneAgreement,
}

/// Music that came as sound, with the arrangement that it stands in for.
#[derive(Debug)]
pub struct PlayedBacking {
    pub arranged: Arranged,
    pub delivered: Delivered,
    pub provider: String,
    pub sound: AudioInput,
}

/// The same for people and programs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlayedSummary {
    pub provider: String,
    /// Before it was brought to the length of the song.
    pub delivered_seconds: f64,
    pub intro_seconds: f64,
    pub seconds: f64,
    pub agreement: TuneAgreement,
    /// As of a band, on the beats that one would have shared with the voice; nobody promises them.
    pub together: Option<Together>,
    /// Absent before it is mixed.
    pub sound: Option<SoundSummary>,
    pub warnings: Vec<String>,
}

impl PlayedSummary {
    pub fn of(backing: &PlayedBacking) -> Self {
        let PlayedBacking { arranged, delivered, provider, sound: _ } = backing;
        Self {
            provider: provider.clone(),
            delivered_seconds: delivered.sound.seconds,
            intro_seconds: arranged.band.summary.intro_seconds,
            seconds: arranged.band.seconds,
            agreement: delivered.agreement,
            together: None,
            sound: None,
            warnings: Vec::new(),
        }
    }
}

/// Has somebody play under a melody: `None` where that is the band that was arranged. What comes as sound is listened to before it
/// counts as made, so that the next provider is asked where it is not for this song.
///
/// # Errors
/// What the chain answers.
pub async fn accompany<'a>(
    accompanists: &Chain<dyn Accompanist>,
    scope: CallScope<'a>,
    arranged: &Arranged,
    request: &MelodyToVocalsRequest,
) -> Result<Provided<Option<(Delivered, AudioInput)>>, Stop> {
    let order = &order(arranged, request);
    let call = |accompanist: Arc<dyn Accompanist>, call: ProviderCall<'a>| async move {
        match accompanist.accompany(order, &call).await? {
            Accompanied::Band => Ok::<_, Stop>(None),
            Accompanied::Sound(sound) => heard(order, sound).await.map(Some),
        }
    };
    let need = Need { seconds: Some(order.seconds), has_melody: true, ..Need::default() };
    accompanists.call(scope, &need, call).await
}

/// What is asked for: the words of the request, and what the band makes of them.
fn order(Arranged { melody, band }: &Arranged, request: &MelodyToVocalsRequest) -> AccompanimentOrder {
    let label = |label: &Option<Label>| label.as_ref().map(|label| label.as_str().to_owned());
    let prompt = request.prompt.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
    let mut description = vec![prompt];
    description.push(label(&request.genre).unwrap_or_else(|| band.style.name().to_owned()));
    description.extend(label(&request.mood));
    description.push(format!("{:.0} bpm", band.summary.tempo_bpm));
    description.push(format!("in {}", melody.key));
    AccompanimentOrder { description, seconds: band.seconds, notes: melody.notes.clone() }
}

/// Listens to what came. Whoever sent what does not go with the tune is not asked for it again: that was paid for.
async fn heard(order: &AccompanimentOrder, sound: AudioInput) -> Result<(Delivered, AudioInput), Stop> {
    let (seconds, notes) = (order.seconds, order.notes.clone());
    let listened = blocking(move || {
        let known = BackingSound::check(&sound, seconds)?;
        let samples = BackingSound::mono(sound.reopen()?)?;
        let agreement = gate(&samples, BackingSound::RATE_HZ, &notes)?;
        Ok::<_, Failure>((Delivered { sound: known, agreement }, sound))
    });
    listened.await?.map_err(|failure| match failure.code {
        FailureCode::ProviderUnavailable => Stop::GivenUp(failure),
        _ => Stop::Failed(failure),
    })
}

/// Refuses music that does not go with the tune.
fn gate(samples: &[f32], sample_rate_hz: u32, notes: &[Note]) -> Result<TuneAgreement, Failure> {
    let agreement = tune_agreement(samples, sample_rate_hz, notes);
    let TuneAgreement { moments: _, as_sung, transposed, displaced } = agreement;
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    // Silence where somebody sings agrees with nothing, however the tune is moved.
    if as_sung <= OVER_TRANSPOSED * transposed {
        let (here, elsewhere) = (percent(as_sung), percent(transposed));
        return Err(misfit(&format!(
            "that does not go with the tune: {here} of it lies in the notes that are sung, and {elsewhere} in those of the tune \
             in other keys"
        )));
    }
    if as_sung < OF_DISPLACED * displaced {
        let (here, elsewhere) = (percent(as_sung), percent(displaced));
        return Err(misfit(&format!(
            "that is not in time with the tune: {here} of it lies in the notes that are sung, and {elsewhere} in those that are \
             sung earlier or later"
        )));
    }
    Ok(agreement)
}

/// Lays the voice over it, as over a band. Blocking.
///
/// # Errors
/// `Transient` when there is no room for temporary files, `Config` when the sound no longer decodes.
pub fn mix(backing: &PlayedBacking, voice: &[f32], keep_stems: bool) -> Result<BandSound, Failure> {
    let PlayedBacking { arranged: Arranged { melody, band }, delivered, provider: _, sound } = backing;
    let played = delivered.sound.levelled(sound.reopen()?, band.seconds, keep_stems)?;
    let sung: Vec<f64> = melody.notes.iter().map(|note| note.onset_seconds).collect();
    let together = together(&played, voice, &Meeting { sung: &sung, shared: &band.notes_on_beats(melody) })?;
    let master = under_voice(&played, voice)?;
    let names = vec![VOICE.to_owned(), BACKING.to_owned()];
    let summary = SoundSummary {
        duration_seconds: master.frames() as f64 / f64::from(master.sample_rate_hz),
        loudness_lufs: master.loudness.integrated_lufs,
        true_peak_dbtp: master.loudness.true_peak_dbtp,
        stems: names.clone(),
        renderer: None,
        font: None,
    };
    let stems = if keep_stems { names } else { Vec::new() };
    Ok(BandSound { master, stems, together, summary, warnings: Vec::new() })
}

#[cfg(test)]
mod tests {
    use music::MidiPitch;

    use super::*;

    const RATE: u32 = 32_000;

    fn notes() -> Vec<Note> {
        let note = |(place, pitch): (usize, u8)| Note {
            onset_seconds: 1.0 + 0.5 * place as f64,
            duration_seconds: 0.45,
            pitch: MidiPitch::new(pitch),
            cents: 0.0,
            velocity: 80,
        };
        [64, 64, 65, 67, 67, 65, 64, 62, 60, 60, 62, 64].into_iter().enumerate().map(note).collect()
    }

    /// Chords that go with the tune, a bass below them, over drums of noise; so many semitones higher, and so much later.
    fn backing(semitones: f64, late_seconds: f64) -> Vec<f32> {
        let notes = notes();
        let mut dice = 7u32;
        (0..8 * RATE)
            .map(|at| {
                dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = f64::from(dice >> 8) / f64::from(1 << 24) - 0.5;
                let now = f64::from(at) / f64::from(RATE) - late_seconds;
                let hz = |midi: f64| music::midi_to_hz(midi + semitones);
                let tone = |hz: f64| (std::f64::consts::TAU * hz * now).sin();
                let tune = notes.iter().find(|note| (note.onset_seconds..note.end_seconds()).contains(&now));
                let lead = tune.map_or(0.0, |note| tone(hz(f64::from(note.pitch.number()) - 12.0)));
                // C, as long as it lasts.
                let chord: f64 = [48.0, 52.0, 55.0].into_iter().map(|midi| tone(hz(midi))).sum();
                let drum = noise * (-(now.rem_euclid(0.5)) / 0.05).exp();
                (0.15 * lead + 0.03 * chord + 0.3 * drum) as f32
            })
            .collect()
    }

    #[test]
    fn music_that_does_not_go_with_the_tune_is_refused() {
        let check = |sound: Vec<f32>, word: Option<&str>| match (gate(&sound, RATE, &notes()), word) {
            (Ok(_), None) => {}
            (Err(failure), Some(word)) => assert!(failure.message.contains(word), "{failure}"),
            (found, word) => panic!("{found:?} for {word:?}"),
        };
        check(backing(0.0, 0.0), None);
        check(backing(12.0, 0.0), None);
        check(backing(1.0, 0.0), Some("other keys"));
        check(backing(6.0, 0.0), Some("other keys"));
        let mut dice = 3u32;
        let noise = (0..8 * RATE).map(|_| {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (dice >> 8) as f32 / (1 << 24) as f32 - 0.5
        });
        check(noise.collect(), Some("other keys"));
        check(vec![0.0; 8 * RATE as usize], Some("other keys"));
        // In its key, and a breath away from where it is sung.
        assert!(gate(&backing(0.0, 1.5), RATE, &notes()).is_err());
    }
}
