//! The figures of words by a model beside those of the engine's own, on melodies where long notes stand in other places in
//! every phrase. The stand-ins know nothing of stress.

use lyrics::{lyrics_fit, write_lyrics};
use providers::Stop;
use vendor_standins::Vendors;

use crate::{BOTH, melody, request, rows::Rows, write, writer_of};

/// Below that share lines with their stress against the notes are written by the engine.
const LEAST_STRESS: f64 = 0.6;

#[tokio::test]
async fn words_of_models_fit_as_the_engines_do_or_are_refused() {
    const SECONDS: [f64; 11] = [0.3, 0.3, 0.9, 0.3, 0.5, 0.3, 0.3, 0.75, 0.6, 0.3, 1.0];
    let uneven = |counts: &[usize]| melody(counts, |phrase, at| SECONDS[(5 * phrase + 3 * at) % SECONDS.len()]);
    let mut written = 0;
    for counts in [&[7, 6, 7, 6][..], &[8; 8], &[5, 9, 5, 9, 7, 7, 7, 7, 5, 9, 5, 9]] {
        let melody = uneven(counts);
        for who in BOTH {
            for seed in 1..=3 {
                let vendors = Vendors::start().await;
                let own = lyrics_fit(&write_lyrics(&melody, &request(seed)).unwrap(), &melody, &request(seed));
                let rows = Rows::default();
                let theirs = write(&writer_of(&who.settings(&vendors)), &melody, &rows, seed).await;
                let calls = rows.all().len();
                let engine = format!("engine {:.2} {:.2}", own.syllable_match, own.stress_match);
                match theirs {
                    Ok(lyrics) => {
                        let fit = lyrics_fit(&lyrics, &melody, &request(seed));
                        println!(
                            "{} lines, seed {seed}, {}: syllables {:.2}, stress {:.2} of {} pairs, {calls} calls; {engine}",
                            counts.len(),
                            who.name,
                            fit.syllable_match,
                            fit.stress_match,
                            fit.stress_pairs
                        );
                        assert_eq!(fit.syllable_match, own.syllable_match, "one syllable to a note, as the engine");
                        assert!(fit.stress_match >= LEAST_STRESS, "{fit:?}");
                        written += 1;
                    }
                    Err(Stop::GivenUp(failure)) => {
                        println!(
                            "{} lines, seed {seed}, {}: {failure}, {calls} calls; {engine}",
                            counts.len(),
                            who.name
                        );
                        assert!(failure.message.contains("stress"), "{failure}");
                    }
                    Err(other) => panic!("{other:?}"),
                }
                assert!(vendors.paid_twice().is_empty());
            }
        }
    }
    assert!(written > 0, "none of the texts was taken");
}
