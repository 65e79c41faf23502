//! The hummed tune, read back: everything about it is known.

use music::{Mode, cents_between};
use pitch::{extract_melody, sample};

#[test]
fn the_hummed_tune_is_understood_completely() {
    let tune = sample::hummed_tune();
    let mut shares = Vec::new();
    let melody = extract_melody(&tune.samples, tune.sample_rate_hz, &mut |share| shares.push(share)).expect("a melody");

    let pitches = |notes: &[music::Note]| notes.iter().map(|note| note.pitch.to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(pitches(&melody.notes), pitches(&tune.notes));
    for (meant, heard) in tune.notes.iter().zip(&melody.notes) {
        assert!((meant.onset_seconds - heard.onset_seconds).abs() < 0.06, "{meant:?} {heard:?}");
        assert!((meant.sung_midi() - heard.sung_midi()).abs() < 0.25, "{meant:?} {heard:?}");
    }
    assert_eq!(melody.phrases.iter().map(|phrase| phrase.note_count()).collect::<Vec<_>>(), [8, 7, 8, 7]);
    assert_eq!((melody.key.tonic, melody.key.mode), (7, Mode::Major));
    assert!((melody.tempo_bpm / tune.tempo_bpm - 1.0).abs() < 0.04, "{} bpm", melody.tempo_bpm);
    assert!(shares.windows(2).all(|pair| pair[0] <= pair[1]), "progress went back");
    assert_eq!(shares.last(), Some(&1.0));
}

#[test]
fn its_contour_is_followed_within_cents() {
    let tune = sample::hummed_tune();
    let track = pitch::f0::track(&tune.samples, tune.sample_rate_hz);
    let (mut errors, mut voicing_wrong) = (Vec::new(), 0);
    for (truth, found) in tune.track.frames.iter().zip(&track.frames) {
        voicing_wrong += usize::from(truth.voiced != found.voiced);
        if truth.voiced {
            errors.push(cents_between(f64::from(truth.hz), f64::from(found.hz)).abs());
        }
    }
    errors.sort_by(f64::total_cmp);
    let within = errors.iter().filter(|&&error| error <= 50.0).count() as f64 / errors.len() as f64;
    let median = errors[errors.len() / 2];
    let wrong = voicing_wrong as f64 / track.frames.len() as f64;
    println!(
        "hummed tune: {:.1} % within 50 cents, median {median:.2} cents, voicing wrong {:.1} %",
        within * 100.0,
        wrong * 100.0
    );
    assert!(within > 0.99 && median < 3.0 && wrong < 0.05);
}
