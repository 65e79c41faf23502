//! The whole way: a hum in, a voice with words out, held against what was hummed.

#[allow(dead_code)]
#[path = "../../../pitch/tests/it/common/made.rs"]
mod made;

use lyrics::{LyricsRequest, lyrics_figures, write_lyrics};
use made::{Manner, Mouth, RATE_HZ, Swing, perform};
use music::PitchTrack;
use pitch::{PitchAgreement, agreement, extract_melody, f0, pitch_agreement, sample};
use voice::{VoiceOptions, sing};

/// Agreement in whatever octave: a voice may sing a hum an octave away.
fn folded(mut track: PitchTrack, octaves: i32) -> PitchTrack {
    track.frames.iter_mut().for_each(|frame| frame.hz *= (octaves as f32).exp2());
    track
}

/// Sings to a recording; (agreement with the target, agreement with the recording's own pitch where both are voiced).
fn through(samples: &[f32], rate: u32, truth: &PitchTrack, prompt: &str) -> (PitchAgreement, f64) {
    let melody = extract_melody(samples, rate, &mut |_| {}).expect("a melody");
    let request = LyricsRequest { prompt: prompt.into(), seed: 7, ..LyricsRequest::default() };
    let lyrics = write_lyrics(&melody, &request).expect("lyrics");
    let sung = sing(&melody, &lyrics, &VoiceOptions::default(), None, &mut |_| {}).expect("a voice");
    let figures = lyrics_figures(&melody, &lyrics, &request);
    assert_eq!(figures.lyrics_words_known, 1.0);
    // One syllable on each note, or the last vowel of a line held over the notes that glide on from it.
    assert_eq!(figures.lyrics_syllable_match, 1.0);
    assert_eq!(lyrics.syllable_count(), sung.syllables_placed);
    let kept = pitch_agreement(&sung.samples, sung.sample_rate_hz, &sung.target);
    let truth = folded(truth.clone(), sung.octave_shift);
    let own = agreement(&f0::track(&sung.samples, sung.sample_rate_hz), &truth);
    println!(
        "{prompt}: {kept:?}; with the recording {own:?}; moved by {} octaves\n{}",
        sung.octave_shift,
        lyrics.text()
    );
    (kept, own.within_50 / own.heard.max(1e-9))
}

#[test]
fn the_hummed_tune_is_sung_in_tune() {
    let hum = sample::hummed_tune();
    let (kept, own) = through(&hum.samples, hum.sample_rate_hz, &hum.track, "freedom and the morning sun");
    assert!(kept.within_50 >= 0.95 && kept.median_cents < 15.0, "{kept:?}");
    assert!(own >= 0.8, "{own}");
}

#[test]
fn a_sung_tune_with_vibrato_is_followed() {
    const TUNE: [(f64, f64); 12] = [
        (50.0, 0.5),
        (52.0, 0.5),
        (53.0, 0.5),
        (57.0, 1.0),
        (55.0, 0.5),
        (53.0, 0.5),
        (52.0, 1.2),
        (50.0, 0.5),
        (57.0, 0.5),
        (55.0, 0.5),
        (52.0, 0.5),
        (50.0, 1.5),
    ];
    for (mouth, shift) in [(Mouth::Vowel, 0.0), (Mouth::Hum, 9.0), (Mouth::Whistle, 36.0)] {
        let manner = Manner {
            mouth,
            vibrato: Swing { depth: 50.0, hz: 5.5, after_seconds: 0.3 },
            noise_db: -35.0,
            ..Manner::default()
        };
        let (samples, _) = perform(&TUNE.map(|(midi, seconds)| (midi + shift, seconds)), &manner);
        let (kept, own) = through(&samples, RATE_HZ, &f0::track(&samples, RATE_HZ), "the ocean at night");
        assert!(kept.within_50 >= 0.93, "{mouth:?}: {kept:?}");
        assert!(own >= 0.7, "{mouth:?}: {own}");
    }
}
