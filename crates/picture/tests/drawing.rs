//! The picture: well-formed, complete, bounded, and safe with any text.

use lyrics::{LyricLine, Lyrics, Syllable};
use music::{Key, Melody, MidiPitch, Mode, Note, Phrase, PitchFrame, PitchTrack};
use picture::{SongPicture, draw_song_svg};
use pitch::{extract_melody, sample};

/// A picture without chords.
fn draw(melody: &Melody, lyrics: Option<&Lyrics>, sung: Option<&PitchTrack>, envelope: &[(f32, f32)]) -> String {
    draw_song_svg(&SongPicture { melody, lyrics, sung, envelope, chords: &[] })
}

fn envelope(samples: &[f32], parts: usize) -> Vec<(f32, f32)> {
    samples
        .chunks(samples.len().div_ceil(parts))
        .map(|part| part.iter().fold((0.0, 0.0), |(low, high): (f32, f32), &x| (low.min(x), high.max(x))))
        .collect()
}

fn lyrics(melody: &Melody, title: &str, words: &[&str]) -> Lyrics {
    let mut words = words.iter().cycle();
    let lines = melody
        .phrases
        .iter()
        .enumerate()
        .map(|(phrase, span)| {
            let syllables: Vec<Syllable> = (span.start..span.end)
                .map(|note| Syllable {
                    text: (*words.next().expect("an endless list")).to_owned(),
                    word_index: note,
                    phones: Vec::new(),
                    note,
                })
                .collect();
            LyricLine { phrase, section: Default::default(), text: String::new(), syllables }
        })
        .collect();
    Lyrics { title: title.to_owned(), lines, language: "en".to_owned() }
}

/// Every element closed in order, every attribute quoted, no stray markup in text: what a strict parser checks first.
fn assert_well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "a stray > in {:?}", &rest[..at]);
        let end = at + rest[at..].find('>').expect("a tag that never ends");
        let tag = &rest[at + 1..end];
        assert!(tag.matches('"').count().is_multiple_of(2), "an attribute is not closed in <{tag}>");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().expect("a name"));
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "not closed: {open:?}");
}

#[test]
fn the_hummed_tune_is_drawn_with_everything() {
    let tune = sample::hummed_tune();
    let melody = extract_melody(&tune.samples, tune.sample_rate_hz, &mut |_| {}).expect("a melody");
    let words = ["freu-", "de", "schö-", "ner", "göt-", "ter-", "fun-", "ken", "through", "nights"];
    let lyrics = lyrics(&melody, "To <Joy> & back", &words);
    let svg = draw(&melody, Some(&lyrics), Some(&tune.track), &envelope(&tune.samples, 1_500));
    assert_well_formed(&svg);
    assert_eq!(svg.matches("class=\"note\"").count(), 31, "30 notes and the key");
    assert_eq!(svg.matches("class=\"word\"").count(), 30);
    assert_eq!(svg.matches("class=\"bracket\"").count(), 4);
    for text in ["To &lt;Joy&gt; &amp; back", "G major", ">B3<", ">10 s<", "prefers-color-scheme:dark", "schö-"] {
        assert!(svg.contains(text), "{text} is missing");
    }
    assert!(svg.len() < 100_000, "{} bytes", svg.len());
}

/// Row, left, baseline and text of every syllable.
fn syllables(svg: &str) -> Vec<(usize, f64, f64, String)> {
    let document = roxmltree::Document::parse(svg).expect("XML");
    let rows = document.descendants().filter(|node| node.attribute("class") == Some("row")).enumerate();
    let number =
        |node: roxmltree::Node<'_, '_>, name| node.attribute(name).and_then(|x| x.parse().ok()).expect("a number");
    rows.flat_map(|(row, node)| {
        let words = node.children().filter(|node| node.attribute("class") == Some("word"));
        let word = |node: roxmltree::Node<'_, '_>| {
            (row, number(node, "x"), number(node, "y"), node.text().unwrap_or_default().to_owned())
        };
        words.map(word).collect::<Vec<_>>()
    })
    .collect()
}

#[test]
fn syllables_share_a_line_where_there_is_room_and_never_overlap() {
    let tune = sample::hummed_tune();
    let melody = extract_melody(&tune.samples, tune.sample_rate_hz, &mut |_| {}).expect("a melody");
    let roomy = lyrics(&melody, "Room", &["fly-", "ing", "il-", "lu-", "sion", "still"]);
    let shown = syllables(&draw(&melody, Some(&roomy), None, &[]));
    assert_eq!(shown.len(), 30);
    assert!(shown.iter().all(|(_, _, baseline, _)| *baseline == shown[0].2), "one line: {shown:?}");

    let crowded = lyrics(&melody, "Crowd", &["straightforward-", "strengths", "throughout-", "a"]);
    let svg = draw(&melody, Some(&crowded), None, &[]);
    let (shown, half_em) = (syllables(&svg), 6.5);
    let width: f64 =
        svg.split("width=\"").nth(1).and_then(|rest| rest.split('"').next()?.parse().ok()).expect("a width");
    assert!(shown.iter().any(|(_, _, baseline, _)| *baseline > shown[0].2), "some move down");
    for (index, (row, left, baseline, text)) in shown.iter().enumerate() {
        // Text of half an em a letter, the usual width of a text face, fits by a good margin.
        let end = left + text.chars().count() as f64 * half_em;
        assert!(end < width, "{text} leaves the picture");
        let after = shown[index + 1..].iter().find(|next| next.0 == *row && next.2 == *baseline);
        assert!(after.is_none_or(|next| next.1 > end), "{text} runs into {after:?}");
    }
}

#[test]
fn five_busy_minutes_stay_small() {
    let frames = (0..30_000)
        .map(|i| PitchFrame {
            hz: 220.0 * (0.1 * (f64::from(i) * 0.35).sin()).exp2() as f32,
            confidence: 1.0,
            voiced: true,
        })
        .collect();
    let notes: Vec<Note> = (0..1_500u32)
        .map(|i| Note {
            onset_seconds: f64::from(i) * 0.2,
            duration_seconds: 0.19,
            pitch: MidiPitch::new(57 + (i * 7 % 12) as u8),
            cents: 0.0,
            velocity: 90,
        })
        .collect();
    let melody = Melody {
        duration_seconds: 300.0,
        track: PitchTrack { hop_seconds: 0.01, frames },
        phrases: (0..150).map(|i| Phrase { start: i * 10, end: i * 10 + 10 }).collect(),
        notes,
        key: Key { tonic: 0, mode: Mode::Major, confidence: 0.5 },
        tempo_bpm: 100.0,
        ..Melody::default()
    };
    let lyrics = lyrics(&melody, "Long", &["straight"]);
    let svg = draw(&melody, Some(&lyrics), Some(&melody.track), &vec![(-0.5, 0.5); 50_000]);
    assert_well_formed(&svg);
    assert!(svg.len() < 1_500_000, "{} bytes", svg.len());
}

#[test]
fn odd_melodies_draw_without_a_panic() {
    let empty = Melody {
        duration_seconds: 0.0,
        track: PitchTrack { hop_seconds: 0.01, frames: Vec::new() },
        notes: Vec::new(),
        phrases: Vec::new(),
        key: Key { tonic: 0, mode: Mode::Minor, confidence: 0.0 },
        tempo_bpm: 100.0,
        ..Melody::default()
    };
    assert_well_formed(&draw(&empty, None, None, &[]));
    assert_well_formed(&draw(&empty, None, None, &[(0.0, 0.0)]));
    let extremes = |number, onset_seconds| {
        let pitch = MidiPitch::new(number);
        Note { onset_seconds, duration_seconds: 0.2, pitch, cents: 0.0, velocity: 1 }
    };
    let wide = Melody {
        duration_seconds: 5_000.0,
        notes: vec![extremes(0, 0.0), extremes(127, 4_000.0)],
        phrases: vec![Phrase { start: 0, end: 2 }],
        ..empty
    };
    assert_well_formed(&draw(&wide, Some(&lyrics(&wide, "\u{0}]]>", &["</text>"])), None, &[(-1.0, 1.0)]));
}

#[test]
fn chords_bars_and_corrections_are_drawn() {
    let tune = sample::hummed_tune();
    let sung = extract_melody(&tune.samples, tune.sample_rate_hz, &mut |_| {}).expect("a melody");
    let up = music::Corrections { transpose_semitones: 2, ..Default::default() };
    let melody = music::correct::apply(&sung, &up).expect("a correction in range");
    let song = music::harmony::accompany(&melody, music::harmony::Style::Pop, 1).expect("chords");
    let picture = SongPicture { melody: &melody, lyrics: None, sung: None, envelope: &[], chords: &song.chords };
    let svg = draw_song_svg(&picture);
    assert_well_formed(&svg);
    roxmltree::Document::parse(&svg).expect("XML that a strict reader takes");
    assert!(svg.contains("class=\"chord\"") && svg.contains(">A<"), "chords are named in the new key");
    assert_eq!(svg.matches("class=\"was\"").count(), 31, "30 notes as they were, and the key");
    assert_eq!(svg.matches("class=\"bar\"").count(), 1, "the lines of the one row");
    assert!(svg.contains("A major, 4/4") && svg.contains("class=\"bar-number\""));
    let unsure = Melody { rhythm: music::Rhythm::default(), ..melody.clone() };
    let svg = draw_song_svg(&SongPicture { melody: &unsure, chords: &[], ..picture });
    assert!(!svg.contains("class=\"bar\"") && !svg.contains("class=\"chord\"") && !svg.contains("4/4"));
}
