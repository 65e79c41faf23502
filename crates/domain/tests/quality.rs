//! The quality gate, at each limit and one past it.

use domain::quality::{QualityCheck, QualityFigures, QualityGate};

fn good() -> QualityFigures {
    QualityFigures {
        pitch_within_50_cents: 0.95,
        pitch_within_25_cents: 0.8,
        pitch_median_cents: 8.0,
        loudness_lufs: Some(-16.0),
        true_peak_dbtp: Some(-1.0),
        clipped_share: 0.0,
        duration_seconds: 12.0,
        notes: 20,
        syllables_placed: 18,
        syllables: 18,
        lyrics_lines: 4,
        lyrics_chars: 90,
        lyrics_words_known: 1.0,
        lyrics_longest_run: 2,
        metadata_complete: true,
    }
}

fn shortfalls(change: impl FnOnce(&mut QualityFigures)) -> Vec<QualityCheck> {
    let mut figures = good();
    change(&mut figures);
    QualityGate::default().judge(&figures).into_iter().map(|shortfall| shortfall.check).collect()
}

fn check(check: QualityCheck, at: impl FnOnce(&mut QualityFigures), past: impl FnOnce(&mut QualityFigures)) {
    assert_eq!(shortfalls(at), [], "{check:?}: at the limit");
    assert_eq!(shortfalls(past), [check], "{check:?}: past the limit");
}

#[test]
fn each_limit_and_one_past_it() {
    use QualityCheck as C;
    check(C::Pitch, |f| f.pitch_within_50_cents = 0.85, |f| f.pitch_within_50_cents = 0.849_9);
    check(C::Loudness, |f| f.loudness_lufs = Some(-20.0), |f| f.loudness_lufs = Some(-20.01));
    check(C::Loudness, |f| f.loudness_lufs = Some(-12.0), |f| f.loudness_lufs = Some(-11.99));
    check(C::Silence, |_| (), |f| f.loudness_lufs = None);
    check(C::TruePeak, |f| f.true_peak_dbtp = Some(-0.5), |f| f.true_peak_dbtp = Some(-0.49));
    check(C::Clipping, |f| f.clipped_share = 0.000_1, |f| f.clipped_share = 0.000_11);
    check(C::LyricsLength, |f| f.lyrics_chars = 10, |f| f.lyrics_chars = 9);
    check(C::LyricsLines, |f| f.lyrics_lines = 2, |f| f.lyrics_lines = 1);
    check(C::LyricsRepetition, |f| f.lyrics_longest_run = 4, |f| f.lyrics_longest_run = 5);
    check(C::LyricsWords, |f| f.lyrics_words_known = 0.9, |f| f.lyrics_words_known = 0.899);
    check(C::SyllablesPlaced, |_| (), |f| f.syllables_placed = 17);
    check(C::SyllablesPlaced, |_| (), |f| (f.syllables, f.syllables_placed) = (0, 0));
    check(C::Metadata, |f| f.notes = 1, |f| f.notes = 0);
    check(C::Metadata, |_| (), |f| f.metadata_complete = false);
}

#[test]
fn numbers_that_are_none_never_pass() {
    assert_eq!(shortfalls(|f| f.pitch_within_50_cents = f64::NAN), [QualityCheck::Pitch]);
    assert_eq!(shortfalls(|f| f.loudness_lufs = Some(f64::NAN)), [QualityCheck::Loudness]);
    assert_eq!(shortfalls(|f| f.true_peak_dbtp = Some(f64::NAN)), [QualityCheck::TruePeak]);
    assert_eq!(shortfalls(|f| f.clipped_share = f64::NAN), [QualityCheck::Clipping]);
    assert_eq!(shortfalls(|f| f.lyrics_words_known = f64::NAN), [QualityCheck::LyricsWords]);
}

#[test]
fn every_shortfall_is_named_with_its_figure() {
    let mut figures = good();
    figures.pitch_within_50_cents = 0.4;
    figures.loudness_lufs = Some(-30.0);
    figures.lyrics_chars = 3;
    let messages: Vec<String> =
        QualityGate::default().judge(&figures).into_iter().map(|shortfall| shortfall.message).collect();
    assert_eq!(messages.len(), 3);
    for (message, figure) in messages.iter().zip(["40.0 %", "-30.0 LUFS", "3 characters"]) {
        assert!(message.contains(figure), "{message}");
    }
}
