//! The quality gate, at each limit and one past it.

use domain::quality::{LyricsFigures, QualityCheck, QualityFigures, QualityGate, SoundFigures, seed_of_take};

fn good() -> QualityFigures {
    QualityFigures {
        sound: SoundFigures {
            pitch_within_50_cents: 0.95,
            pitch_within_25_cents: 0.8,
            pitch_median_cents: 8.0,
            vowel_onset_median_ms: Some(12.0),
            loudness_lufs: Some(-16.0),
            true_peak_dbtp: Some(-1.0),
            clipped_share: 0.0,
            duration_seconds: 12.0,
            syllables_placed: 18,
            syllables: 18,
        },
        lyrics: LyricsFigures {
            lyrics_notes: 18,
            lyrics_lines: 4,
            lyrics_chars: 90,
            lyrics_words_known: 1.0,
            lyrics_longest_run: 2,
            lyrics_syllable_match: 1.0,
            lyrics_stress_match: 0.8,
            lyrics_stress_pairs: 24,
            lyrics_rhyme: 1.0,
            lyrics_rhyming_lines: 6,
            lyrics_prompt_words_kept: 0.5,
            lyrics_prompt_words: 3,
            lyrics_distinct_words: 0.7,
        },
        notes: 20,
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
    check(C::Pitch, |f| f.sound.pitch_within_50_cents = 0.85, |f| f.sound.pitch_within_50_cents = 0.849_9);
    check(
        C::VowelOnsets,
        |f| f.sound.vowel_onset_median_ms = Some(80.0),
        |f| {
            f.sound.vowel_onset_median_ms = Some(80.1);
        },
    );
    check(C::Loudness, |f| f.sound.loudness_lufs = Some(-20.0), |f| f.sound.loudness_lufs = Some(-20.01));
    check(C::Loudness, |f| f.sound.loudness_lufs = Some(-12.0), |f| f.sound.loudness_lufs = Some(-11.99));
    check(C::Silence, |_| (), |f| f.sound.loudness_lufs = None);
    check(C::TruePeak, |f| f.sound.true_peak_dbtp = Some(-0.5), |f| f.sound.true_peak_dbtp = Some(-0.49));
    check(C::Clipping, |f| f.sound.clipped_share = 0.000_1, |f| f.sound.clipped_share = 0.000_11);
    check(C::LyricsLength, |f| f.lyrics.lyrics_chars = 10, |f| f.lyrics.lyrics_chars = 9);
    check(C::LyricsLines, |f| f.lyrics.lyrics_lines = 2, |f| f.lyrics.lyrics_lines = 1);
    check(C::LyricsRepetition, |f| f.lyrics.lyrics_longest_run = 4, |f| f.lyrics.lyrics_longest_run = 5);
    check(C::LyricsWords, |f| f.lyrics.lyrics_words_known = 0.9, |f| f.lyrics.lyrics_words_known = 0.899);
    check(C::LyricsFit, |f| f.lyrics.lyrics_syllable_match = 0.95, |f| f.lyrics.lyrics_syllable_match = 0.94);
    check(C::LyricsVariety, |f| f.lyrics.lyrics_distinct_words = 0.3, |f| f.lyrics.lyrics_distinct_words = 0.29);
    check(C::LyricsStress, |f| f.lyrics.lyrics_stress_match = 0.4, |f| f.lyrics.lyrics_stress_match = 0.39);
    check(C::LyricsRhyme, |f| f.lyrics.lyrics_rhyme = 0.2, |f| f.lyrics.lyrics_rhyme = 0.19);
    check(C::LyricsPrompt, |f| f.lyrics.lyrics_prompt_words_kept = 0.05, |f| f.lyrics.lyrics_prompt_words_kept = 0.049);
    check(C::SyllablesPlaced, |_| (), |f| f.sound.syllables_placed = 17);
    check(C::SyllablesPlaced, |_| (), |f| (f.sound.syllables, f.sound.syllables_placed) = (0, 0));
    check(C::Metadata, |f| f.notes = 1, |f| f.notes = 0);
    check(C::Metadata, |_| (), |f| f.metadata_complete = false);
}

#[test]
fn what_there_is_too_little_of_is_not_judged() {
    use QualityCheck as C;
    check(
        C::LyricsStress,
        |f| (f.lyrics.lyrics_stress_match, f.lyrics.lyrics_stress_pairs) = (0.0, 19),
        |f| (f.lyrics.lyrics_stress_match, f.lyrics.lyrics_stress_pairs) = (0.0, 20),
    );
    check(
        C::LyricsRhyme,
        |f| (f.lyrics.lyrics_rhyme, f.lyrics.lyrics_rhyming_lines) = (0.0, 5),
        |f| (f.lyrics.lyrics_rhyme, f.lyrics.lyrics_rhyming_lines) = (0.0, 6),
    );
    check(
        C::LyricsPrompt,
        |f| (f.lyrics.lyrics_prompt_words_kept, f.lyrics.lyrics_prompt_words) = (0.0, 2),
        |f| (f.lyrics.lyrics_prompt_words_kept, f.lyrics.lyrics_prompt_words) = (0.0, 3),
    );
}

#[test]
fn numbers_that_are_none_never_pass() {
    assert_eq!(shortfalls(|f| f.sound.pitch_within_50_cents = f64::NAN), [QualityCheck::Pitch]);
    assert_eq!(shortfalls(|f| f.sound.loudness_lufs = Some(f64::NAN)), [QualityCheck::Loudness]);
    assert_eq!(shortfalls(|f| f.sound.true_peak_dbtp = Some(f64::NAN)), [QualityCheck::TruePeak]);
    assert_eq!(shortfalls(|f| f.sound.clipped_share = f64::NAN), [QualityCheck::Clipping]);
    assert_eq!(shortfalls(|f| f.lyrics.lyrics_words_known = f64::NAN), [QualityCheck::LyricsWords]);
    assert_eq!(shortfalls(|f| f.lyrics.lyrics_stress_match = f64::NAN), [QualityCheck::LyricsStress]);
    assert_eq!(shortfalls(|f| f.lyrics.lyrics_rhyme = f64::NAN), [QualityCheck::LyricsRhyme]);
    assert_eq!(shortfalls(|f| f.lyrics.lyrics_prompt_words_kept = f64::NAN), [QualityCheck::LyricsPrompt]);
}

#[test]
fn every_shortfall_is_named_with_its_figure() {
    let mut figures = good();
    figures.sound.pitch_within_50_cents = 0.4;
    figures.sound.loudness_lufs = Some(-30.0);
    figures.lyrics.lyrics_chars = 3;
    figures.lyrics.lyrics_stress_match = 0.25;
    figures.lyrics.lyrics_rhyme = 0.0;
    figures.lyrics.lyrics_prompt_words_kept = 0.0;
    let messages: Vec<String> =
        QualityGate::default().judge(&figures).into_iter().map(|shortfall| shortfall.message).collect();
    assert_eq!(messages.len(), 6);
    for (message, figure) in messages.iter().zip([
        "40.0 %",
        "-30.0 LUFS",
        "3 characters",
        "25 % of the stressed",
        "0 % of the lines rhyme",
        "the prompt's 3 words",
    ]) {
        assert!(message.contains(figure), "{message}");
    }
}

#[test]
fn sound_and_words_are_judged_apart() {
    let gate = QualityGate::default();
    let mut figures = good();
    figures.lyrics.lyrics_lines = 0;
    assert!(gate.judge_sound(&figures.sound).is_empty());
    assert_eq!(gate.judge_lyrics(&figures.lyrics).len(), 1);
    figures.sound.clipped_share = 1.0;
    assert_eq!(gate.judge(&figures).len(), 2);
}

#[test]
fn takes_differ_and_the_first_keeps_its_seed() {
    assert_eq!(seed_of_take(7, 0), 7);
    let seeds: std::collections::BTreeSet<u64> = (0..100).map(|take| seed_of_take(7, take)).collect();
    assert_eq!(seeds.len(), 100);
    assert_eq!(seed_of_take(7, 3), seed_of_take(7, 3));
}

#[test]
fn figures_are_one_flat_object_and_older_ones_are_read() {
    let mut json = serde_json::to_value(good()).unwrap();
    assert_eq!(json["pitch_within_50_cents"], 0.95);
    assert_eq!(json["lyrics_lines"], 4);
    let newer =
        ["vowel_onset_median_ms", "lyrics_rhyme", "lyrics_rhyming_lines", "lyrics_stress_match", "lyrics_stress_pairs"];
    for newer in newer {
        json.as_object_mut().unwrap().remove(newer);
    }
    let read: QualityFigures = serde_json::from_value(json).unwrap();
    assert_eq!((read.sound.vowel_onset_median_ms, read.lyrics.lyrics_rhyme), (None, 0.0));
    assert_eq!(QualityGate::default().judge(&read), [], "what an older result does not say is not held against it");
}

#[test]
fn few_notes_have_room_for_few_words() {
    let little = |notes: u32, chars: u32, lines: u32| {
        shortfalls(|figures| {
            figures.lyrics.lyrics_notes = notes;
            figures.lyrics.lyrics_chars = chars;
            figures.lyrics.lyrics_lines = lines;
        })
    };
    assert_eq!(little(1, 4, 1), []);
    assert_eq!(little(2, 6, 2), []);
    assert_eq!(little(2, 6, 1), [QualityCheck::LyricsLines]);
    assert_eq!(little(9, 9, 2), []);
    assert_eq!(little(10, 9, 2), [QualityCheck::LyricsLength]);
    assert_eq!(little(1, 0, 0), [QualityCheck::LyricsLength, QualityCheck::LyricsLines]);
    let late = |syllables: u32| {
        shortfalls(|figures| {
            figures.sound.vowel_onset_median_ms = Some(100.0);
            (figures.sound.syllables, figures.sound.syllables_placed) = (syllables, syllables);
        })
    };
    assert_eq!(late(5), []);
    assert_eq!(late(6), [QualityCheck::VowelOnsets]);
    // Whoever has not counted the notes excuses nothing.
    assert_eq!(little(0, 4, 1), [QualityCheck::LyricsLength, QualityCheck::LyricsLines]);
}
