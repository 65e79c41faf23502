//! Places for lines that somebody else writes, and such lines on their melody.

use lyrics::{Beat, Language, LineFate, LyricsError, LyricsRequest, align_lines, fit_lyrics, line_places, lyrics_fit};

use crate::common::phrases::{melody, uneven};

fn request(seed: u64) -> LyricsRequest {
    LyricsRequest { prompt: "home by the sea".into(), seed, ..LyricsRequest::default() }
}

#[test]
fn our_own_lines_are_good_on_their_places() {
    for (seed, melody) in [(1, melody(&[7, 6, 7, 6])), (2, uneven(&[5, 8, 5, 8, 6, 6, 6, 6])), (3, uneven(&[7; 12]))] {
        let places = line_places(&melody, &request(seed)).expect("places");
        let own = lyrics::write_lyrics(&melody, &request(seed)).expect("words");
        assert_eq!(places.len(), own.lines.len());
        let (mut good, mut all) = (0, 0);
        for (place, line) in places.iter().zip(&own.lines) {
            assert_eq!((place.syllables(), place.beats.len()), (line.syllables.len(), line.syllables.len()));
            assert_eq!((place.phrase, place.section), (line.phrase, line.section));
            let verdict = place.judge(Language::English, &line.text);
            assert!(verdict.is_singable(), "{}: {verdict:?}", line.text);
            good += verdict.stress_in_order;
            all += verdict.stress_pairs;
        }
        let fit = lyrics_fit(&own, &melody, &request(seed));
        assert_eq!((all, good as f64 / all as f64), (fit.stress_pairs, fit.stress_match), "one measure");
    }
}

#[test]
fn lines_that_come_again_say_which() {
    let melody = melody(&[6; 17]);
    let places = line_places(&melody, &request(4)).expect("places");
    let own = lyrics::write_lyrics(&melody, &request(4)).expect("words");
    let repeats: Vec<(usize, usize)> =
        places.iter().enumerate().filter_map(|(at, place)| Some((at, place.repeats?))).collect();
    assert_eq!(repeats.len(), 5, "a chorus that returns, and its end: {repeats:?}");
    for (again, first) in repeats {
        assert_eq!(own.lines[again].text, own.lines[first].text, "{again} as {first}");
        assert_eq!(places[first].repeats, None);
    }
}

#[test]
fn beats_tell_strong_notes_from_weak_ones() {
    let places = line_places(&melody(&[4, 4]), &request(1)).expect("places");
    // Every third note and the last one are long: half of them, so that none is held among its line.
    assert_eq!(places[0].beats, [Beat::Either, Beat::Light, Beat::Strong, Beat::Either]);
    let longer = line_places(&melody(&[5, 5]), &request(1)).expect("places");
    assert_eq!(longer[0].beats, [Beat::Either, Beat::Light, Beat::Held, Beat::Light, Beat::Held]);
    let text = |line: &str| places[0].judge(Language::English, line);
    assert_eq!((text("in the cold night").stress_in_order, text("in the cold night").stress_pairs), (1, 1));
    assert_eq!((text("cold night in the").stress_in_order, text("cold night in the").stress_pairs), (0, 1));
    assert!(!text("in the cold").is_singable() && !text("").is_singable());
}

#[test]
fn lines_are_kept_mended_or_written_where_they_stand() {
    let melody = melody(&[5, 6, 5, 6]);
    let lines = ["I walk by the sea", "And I am so very free", "zzxqy bbbb", ""].map(|line| Some(line.to_owned()));
    let fitted = fit_lyrics(&melody, &lines, &request(3)).expect("fits");
    let fates: Vec<LineFate> = fitted.lines.iter().map(|line| line.fate).collect();
    assert_eq!(fates, [LineFate::Kept, LineFate::Mended, LineFate::Rewritten, LineFate::Rewritten]);
    assert_eq!((fitted.kept, fitted.mended, fitted.rewritten), (1, 1, 2));
    assert_eq!(fitted.lyrics.lines[0].text, "I walk by the sea");
    assert_eq!(lyrics_fit(&fitted.lyrics, &melody, &request(3)).syllable_match, 1.0);
    let none = fit_lyrics(&melody, &[None, None, None, None], &request(3)).expect("written");
    assert_eq!(none.rewritten, 4);
}

#[test]
fn a_chorus_comes_again_with_what_became_of_it() {
    let melody = melody(&[6; 16]);
    let places = line_places(&melody, &request(4)).expect("places");
    let lines: Vec<Option<String>> = places.iter().map(|_| None).collect();
    let fitted = fit_lyrics(&melody, &lines, &request(4)).expect("written");
    for (again, first) in places.iter().enumerate().filter_map(|(at, place)| Some((at, place.repeats?))) {
        assert_eq!(fitted.lyrics.lines[again].text, fitted.lyrics.lines[first].text);
    }
}

#[test]
fn another_number_of_lines_than_places_is_refused() {
    let wrong = fit_lyrics(&melody(&[5, 6]), &[None], &request(1)).expect_err("one line for two places");
    assert!(matches!(wrong, LyricsError::Mismatch(_)), "{wrong}");
}

#[test]
fn lines_find_their_places_by_their_lengths() {
    let lines = ["hello my friend", "the river runs down to the sea"].map(str::to_owned);
    assert_eq!(align_lines(Language::English, &lines, &[4, 6, 8]), [Some(0), None, Some(1)]);
    assert_eq!(align_lines(Language::English, &[], &[4]), [None]);
}
