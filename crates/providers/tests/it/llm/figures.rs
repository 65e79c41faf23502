//! The figures of words by a model beside those of the engine's own on the same melody: they come to what the engine's are held
//! to, with lines of the engine in place of those that keep them from it, or are refused with the reason.

use std::time::Duration;

use lyrics::{Lyrics, LyricsFit, LyricsGoals, LyricsRequest, lyrics_fit, words_of, write_lyrics};
use music::Melody;
use providers::{LyricsWriter, ProviderCall, Stop};
use serde_json::json;
use testbed::{Manner, StandIn};
use vendor_standins::Vendors;

use super::{BOTH, OPENAI, melody, request, rows::Rows, write, writer_of};

/// How a text of a model ends.
#[derive(Clone, Copy, PartialEq, Debug)]
enum End {
    /// Sung word for word.
    Kept,
    /// Some lines are the engine's.
    Repaired,
    /// Not sung, for this reason.
    Refused(&'static str),
}

/// Eight lines in common metre, a light note before each strong one.
fn metre() -> Melody {
    melody(&[8, 6, 8, 6, 8, 6, 8, 6], |_, at| if at % 2 == 0 { 0.3 } else { 0.6 })
}

fn about_a_river() -> LyricsRequest {
    LyricsRequest { prompt: "a river, a boat and the morning light".to_owned(), seed: 1, ..LyricsRequest::default() }
}

const IN_METRE: [&str; 8] = [
    "The river runs beside the town",
    "And takes the morning light",
    "A paper boat is going down",
    "The water, slow and bright",
    "The fields are waking in the sun",
    "The birds begin to sing",
    "And every day has just begun",
    "The hope that it will bring",
];
const UNRHYMED: [&str; 8] = [
    "The river runs beside the town",
    "And takes the morning home",
    "A paper boat is in the light",
    "The water, slow and deep",
    "The fields are waking in the sun",
    "The birds begin to call",
    "And every leaf is new and green",
    "The hope that it will last",
];
const AGAINST_THE_NOTES: [&str; 8] = [
    "River running past the houses",
    "Morning light is falling",
    "Paper boats are on the water",
    "Summer birds are calling",
    "Golden fields and silver mornings",
    "All the bells are ringing",
    "Little boats and open windows",
    "Everyone is singing",
];
const OF_SOMETHING_ELSE: [&str; 8] = [
    "I walk along the quiet road",
    "And hear the evening bell",
    "My shoulders carry such a load",
    "That I can never tell",
    "The wind is moving in the trees",
    "The stars are coming near",
    "I feel the cooling summer breeze",
    "And know that you are here",
];
const OF_ANOTHER_LENGTH: [&str; 8] = [
    "The river",
    "A boat in the morning light, going all the way down",
    "Light",
    "And a little boat upon the river going to the sea",
    "Water",
    "Every morning is another morning for the river",
    "A boat",
    "Slowly going down the river in the morning light",
];

/// In the form that models of this kind answer in.
fn answer(text: &str) -> Manner {
    let message = json!({ "role": "assistant", "content": text });
    let answer = json!({ "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }] });
    Manner::Answers(200, answer.to_string().into_bytes())
}

/// What comes of a model that says the same however often it is asked.
async fn sung(text: &str) -> Result<Lyrics, Stop> {
    let server = StandIn::start([answer(text)]).await;
    let writer = writer_of(&OPENAI.settings_at(&format!("{}/v1", server.url()), None));
    let rows = Rows::default();
    let call = ProviderCall::alone(&rows, "writer", Duration::from_secs(60));
    writer.write(&metre(), &about_a_river(), &call).await
}

fn told(fit: &LyricsFit) -> String {
    format!(
        "syllables {:.2}, stress {:.2}, rhyme {:.2}, prompt {:.2}, different {:.2}",
        fit.syllable_match, fit.stress_match, fit.near_rhyme_share, fit.prompt_words_kept, fit.distinct_words
    )
}

async fn check(shape: &str, text: &str, lines: &[&str], expected: End) {
    let (melody, request) = (metre(), about_a_river());
    let words = |line: &str| words_of(&line.to_lowercase());
    let end = match sung(text).await {
        Ok(lyrics) => {
            let fit = lyrics_fit(&lyrics, &melody, &request);
            let kept = lyrics.lines.iter().zip(lines).filter(|(line, given)| words(&line.text) == words(given)).count();
            println!("| {shape} | {kept} of {} lines kept: {} |", lines.len(), told(&fit));
            assert_eq!(fit.syllable_match, 1.0, "{shape}");
            let missed = LyricsGoals::of(&melody, &request).unwrap().missed(&fit);
            assert!(missed.is_empty(), "{shape}: {missed:?}\n{}", lyrics.text());
            assert!(2 * kept >= lines.len(), "{shape}: it is the model's song\n{}", lyrics.text());
            if kept == lines.len() { End::Kept } else { End::Repaired }
        }
        Err(Stop::GivenUp(failure)) => {
            println!("| {shape} | {} |", failure.message);
            let End::Refused(reason) = expected else { panic!("{shape}: {failure}") };
            assert!(failure.message.contains(reason), "{shape}: {failure}");
            End::Refused(reason)
        }
        Err(other) => panic!("{shape}: {other:?}"),
    };
    assert_eq!(end, expected, "{shape}");
}

#[tokio::test]
async fn recorded_shapes_of_answers_come_to_the_engines_figures_or_are_refused() {
    let own = write_lyrics(&metre(), &about_a_river()).unwrap();
    println!("| the engine's own | {} |", told(&lyrics_fit(&own, &metre(), &about_a_river())));
    let as_json = |lines: &[&str]| json!({ "title": "Paper Boat", "lines": lines }).to_string();
    let good = as_json(&IN_METRE);
    check("in metre and rhymed", &good, &IN_METRE, End::Kept).await;
    check("the same behind a greeting", &format!("Of course! Here it is:\n{good}\nEnjoy."), &IN_METRE, End::Kept).await;
    check("the same in a fence", &format!("```json\n{good}\n```"), &IN_METRE, End::Kept).await;
    let plain = format!("[Verse 1]\n{}\n\n[Verse 2]\n{}\n", IN_METRE[..4].join("\n"), IN_METRE[4..].join("\n"));
    check("the same as plain lines", &plain, &IN_METRE, End::Kept).await;
    let one_verse = [&IN_METRE[..4], &UNRHYMED[4..]].concat();
    check("a verse without rhymes", &as_json(&one_verse), &one_verse, End::Repaired).await;
    check("no rhymes at all", &as_json(&UNRHYMED), &UNRHYMED, End::Refused("lines that rhyme")).await;
    let half = [&IN_METRE[..4], &AGAINST_THE_NOTES[4..]].concat();
    check("half of it against the notes", &as_json(&half), &half, End::Repaired).await;
    check("about something else", &as_json(&OF_SOMETHING_ELSE), &OF_SOMETHING_ELSE, End::Repaired).await;
    let against = as_json(&AGAINST_THE_NOTES);
    check("all of it against the notes", &against, &AGAINST_THE_NOTES, End::Refused("stress on the stronger notes"))
        .await;
    let other = as_json(&OF_ANOTHER_LENGTH);
    check("lines of other lengths", &other, &OF_ANOTHER_LENGTH, End::Refused("another number of syllables")).await;
    let again: Vec<&str> = IN_METRE[..2].iter().copied().cycle().take(8).collect();
    check("two lines again and again", &as_json(&again), &again, End::Refused("the same as others")).await;
    let marked = IN_METRE.map(|line| format!("**{line}** (softly)"));
    let marked: Vec<&str> = marked.iter().map(String::as_str).collect();
    check("marked up", &as_json(&marked), &marked, End::Refused("other signs than words")).await;
}

/// On melodies where long notes stand in other places in every phrase, of stand-ins that know nothing of stress.
#[tokio::test]
async fn words_that_know_nothing_of_the_notes_are_mended_or_refused() {
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
                let what = format!("{} lines, seed {seed}, {}, {calls} calls", counts.len(), who.name);
                match theirs {
                    Ok(lyrics) => {
                        let fit = lyrics_fit(&lyrics, &melody, &request(seed));
                        println!("{what}: {}; engine {}", told(&fit), told(&own));
                        assert_eq!(fit.syllable_match, own.syllable_match, "one syllable to a note, as the engine");
                        let missed = LyricsGoals::of(&melody, &request(seed)).unwrap().missed(&fit);
                        assert!(missed.is_empty(), "{what}: {missed:?}");
                        written += 1;
                    }
                    Err(Stop::GivenUp(failure)) => {
                        println!("{what}: {failure}; engine {}", told(&own));
                        assert!(failure.message.contains("least"), "a figure says why: {failure}");
                    }
                    Err(other) => panic!("{other:?}"),
                }
                assert!(vendors.paid_twice().is_empty());
            }
        }
    }
    assert!(written > 0, "none of the texts was taken");
}
