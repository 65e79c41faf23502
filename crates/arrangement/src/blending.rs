//! Three songs become one.

use std::sync::Arc;

use blend::{Length, Options};
use domain::{
    Failure, FailureClass, FailureCode,
    kinds::blend::MOST_SECONDS,
    kinds::blend::{BlendLength, BlendOptions, BlendRequest},
};
use music::{Key, Mode};
use providers::{
    BlendedSong, CallScope, Chain, Need, Provided, ProviderCall, SongBlender, SongToBlend, Stop, blend_failure,
};

/// Tempos are whole microseconds a quarter: so much may a song of the longest length be longer than was reckoned.
const ROUNDING_SECONDS: f64 = 0.01;

/// What was asked for, as the blender takes it.
pub fn blend_options(request: &BlendRequest) -> Options {
    let BlendRequest { seed, options } = request;
    // Stems and formats are for whoever renders.
    let BlendOptions { weights, length, tempo_bpm, key, form, creativity, temperature, stems: _, formats: _ } = options;
    let default = Options::default();
    Options {
        weights: *weights,
        seed: *seed,
        length: match length {
            None => default.length,
            Some(BlendLength::Bars(bars)) => Length::Bars(*bars),
            Some(BlendLength::Seconds(seconds)) => Length::Seconds(*seconds),
        },
        tempo_bpm: *tempo_bpm,
        key: key.map(|key| Key {
            tonic: key.tonic,
            mode: if key.minor { Mode::Minor } else { Mode::Major },
            confidence: 1.0,
        }),
        form: form.clone(),
        creativity: *creativity,
        temperature: *temperature,
        ..default
    }
}

/// Has the three songs blended by the first provider that can.
///
/// # Errors
/// `Caller` where the songs or the options make no blend; else what the chain answers.
pub async fn blend<'a>(
    blenders: &Chain<dyn SongBlender>,
    scope: CallScope<'a>,
    songs: &[SongToBlend; 3],
    request: &BlendRequest,
) -> Result<Provided<BlendedSong>, Stop> {
    let options = blend_options(request);
    options.check().map_err(|error| blend_failure(&error))?;
    let options = &options;
    let blend = |blender: Arc<dyn SongBlender>, call: ProviderCall<'a>| async move {
        blender.blend(songs, options, &call).await
    };
    let made = blenders.call(scope, &Need::default(), blend).await?;
    let seconds = made.value.score.seconds();
    if seconds > MOST_SECONDS + ROUNDING_SECONDS {
        let message = format!(
            "the blend would last {seconds:.0} s, and {MOST_SECONDS:.0} s are possible: ask for fewer bars or a faster tempo"
        );
        return Err(Failure::new(FailureClass::Caller, FailureCode::ImpossibleOptions, message).into());
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(fields: &[(&str, &'static str)]) -> Options {
        let field = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| *text);
        blend_options(&BlendRequest::read(field, 7).unwrap())
    }

    #[test]
    fn what_is_asked_for_is_what_is_made() {
        assert_eq!(options(&[("seed", "0")]), Options::default(), "the same defaults");
        let asked = options(&[
            ("seed", "3"),
            ("weights", "1,2,3"),
            ("seconds", "100"),
            ("tempo", "96"),
            ("key", "F# minor"),
            ("form", "abac"),
            ("creativity", "1"),
            ("temperature", "0"),
        ]);
        let expected = Options {
            weights: [1.0, 2.0, 3.0],
            seed: 3,
            length: Length::Seconds(100.0),
            tempo_bpm: Some(96.0),
            key: Some(Key { tonic: 6, mode: Mode::Minor, confidence: 1.0 }),
            form: Some("ABAC".to_owned()),
            creativity: 1.0,
            temperature: 0.0,
            ..Options::default()
        };
        assert_eq!(asked, expected);
    }

    /// What a request may ask for, the blender takes.
    #[test]
    fn both_have_the_same_ranges() {
        let (bars, bpm) = (BlendRequest::BARS, BlendRequest::BPM);
        assert_eq!((providers::MOST_BLEND_SECONDS, blend::MOST_SECONDS), (MOST_SECONDS, MOST_SECONDS));
        let chosen = (f64::from(*blend::CHOSEN_BPM.start()), f64::from(*blend::CHOSEN_BPM.end()));
        assert_eq!((*BlendRequest::CHOSEN_BPM.start(), *BlendRequest::CHOSEN_BPM.end()), chosen);
        assert_eq!((*bars.start(), *bars.end()), (blend::LEAST_BARS, blend::MOST_BARS));
        assert_eq!((*bpm.start(), *bpm.end()), (blend::LEAST_BPM, blend::MOST_BPM));
        for weight in [*BlendRequest::WEIGHT.start(), *BlendRequest::WEIGHT.end()] {
            assert!(Options { weights: [weight; 3], ..Options::default() }.check().is_ok());
        }
        let form = Some("D".repeat(BlendRequest::MOST_LETTERS));
        assert!(Options { form, ..Options::default() }.check().is_ok());
        let form = Some("D".repeat(BlendRequest::MOST_LETTERS + 1));
        assert!(Options { form, ..Options::default() }.check().is_err());
    }
}
