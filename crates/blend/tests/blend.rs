//! Whole blends, of songs that the tests write themselves.

#[path = "../src/bin/bench_blend/baselines.rs"]
mod baselines;
#[path = "../src/bin/bench_blend/songs.rs"]
mod songs;

use blend::{Blend, BlendError, Kind, Length, Options, Role, Source, measure::Judge};
use music::{
    Key, Mode, Score,
    analysis::{Analysis, analyse},
    score::{MeterChange, Part, ScoreNote, TempoChange},
};
use proptest::prelude::*;

struct Song {
    title: &'static str,
    score: Score,
    analysis: Analysis,
}

fn song(title: &'static str) -> Song {
    let style = songs::STYLES.iter().find(|style| style.title == title).expect("a style of this title");
    of(title, songs::write(style, 7, 8))
}

fn of(title: &'static str, score: Score) -> Song {
    let analysis = analyse(&score);
    Song { title, score, analysis }
}

fn sources(songs: &[Song; 3]) -> [Source<'_>; 3] {
    songs.each_ref().map(|song| Source { title: song.title, score: &song.score, analysis: &song.analysis })
}

fn blended(songs: &[Song; 3], options: &Options) -> Blend {
    let made = blend::blend(&sources(songs), options).expect("these songs can be blended");
    check(&made, songs);
    made
}

/// What holds for every blend.
fn check(made: &Blend, songs: &[Song; 3]) {
    assert_eq!(made.score.broken_rule(), None);
    let plan = &made.plan;
    let bars = plan.bars();
    let end = made.score.end / u64::from(made.score.ticks_per_quarter);
    assert_eq!(end, bars as u64 * u64::from(plan.target.beats));
    assert_eq!(plan.chords.len(), bars * plan.target.slots());
    for role in Role::ALL {
        assert_eq!(plan.cells[role.index()].len(), bars);
        for bar in 0..bars {
            let (from, to) = (bar as f64 * plan.target.bar(), (bar + 1) as f64 * plan.target.bar());
            let sounds = |note: &&blend::LineNote| note.onset < to - 0.03 && note.end() > from + 0.03;
            let heard: Vec<_> = made.lines[role.index()].iter().filter(sounds).collect();
            match plan.cell(role, bar) {
                Some(_) => assert!(!heard.is_empty(), "{role} in bar {bar}: a cell sounds"),
                // What sounds without one was struck before, or leads to the next bar.
                None => {
                    let known = |note: &&blend::LineNote| note.onset < from || made.pickups.iter().any(|p| p.has(note));
                    assert!(heard.iter().all(known), "{role} in bar {bar}: what sounds has a cell");
                }
            }
            if let Some((song, cell)) = plan.cell(role, bar).and_then(|cell| Some((cell.song?, cell))) {
                let last = cell.source_bar + usize::from(cell.source_bars);
                assert!(cell.source_bars > 0 && last <= songs[song].analysis.bars.len(), "{cell:?}");
            }
        }
    }
    let picture = made.picture();
    let document = roxmltree::Document::parse(&picture).expect("the picture is XML");
    assert_eq!(document.root_element().attribute("role"), Some("img"));
    let facts: serde_json::Value =
        serde_json::from_str(&made.provenance_json().expect("it is data")).expect("it is JSON");
    assert_eq!(facts["bars"].as_array().map(Vec::len), Some(bars));
}

#[test]
fn three_songs_become_one_that_passes_every_gate() {
    for titles in [
        ["Harbour Lights", "Iron Gate", "Slow River"],
        ["Night Train", "Backyard Stomp", "Samba for Three"],
        ["The Miller's Round", "Old Waltz", "Glass Tower"],
        ["March of the Snails", "Lullaby in Six", "Two Hundred"],
        ["Drum Circle", "Winter Chorale", "Desert Road"],
    ] {
        let made = blended(&titles.map(song), &Options::default());
        let failing: Vec<_> = made.report.failing().collect();
        assert!(failing.is_empty(), "{titles:?} fails {failing:?}");
        let form: Vec<String> = made.plan.sections.iter().map(|section| section.label()).collect();
        assert_eq!(form.join(" "), "intro A B A′ C A″ end");
    }
}

#[test]
fn two_songs_and_a_drummer_keep_their_tunes() {
    // The third song gives no pitch, so that either tune is heard over the chords of the other.
    for titles in [["Drum Circle", "Winter Chorale", "Iron Gate"], ["Slow River", "Drum Circle", "Old Waltz"]] {
        let songs = titles.map(song);
        for seed in 0..3 {
            let made = blended(&songs, &Options { seed, ..Options::default() });
            let figure = |name| made.report.figure(name).expect("it has a melody");
            assert!(figure("motifs that are in a song") >= 0.33, "{titles:?} {seed}");
            assert!(figure("CTnCTR") >= 0.85, "{titles:?} {seed}: {}", figure("CTnCTR"));
        }
    }
}

#[test]
fn cheap_ways_fail() {
    let songs = ["Harbour Lights", "Samba for Three", "Slow River"].map(song);
    let options = Options::default();
    let (target, mut materials) = blend::materials(&sources(&songs), &options);
    materials.iter_mut().flat_map(|material| &mut material.bars).for_each(|bar| bar.shift = 0);
    let judge = Judge::new(&materials, &target, &options);
    let keys: Vec<Key> = songs.iter().filter_map(|song| song.analysis.key).collect();
    let mut count = 0usize;
    let mut below = |most: usize| {
        count = (count * 31 + 17) % 65_537;
        (count / 7) % most
    };
    let pasted = baselines::pasted(&materials, &target, 48);
    let shuffled = baselines::shuffled(&materials, &target, 48, &mut below);
    for (name, baseline) in [("pasted", &pasted), ("shuffled", &shuffled)] {
        assert!(!baseline.melody().is_empty());
        assert_eq!(baseline.score(&target).broken_rule(), None, "{name} is a fair one");
        let report = baseline.judged(&judge, &target, &keys, &options).expect("there are keys");
        for gate in [blend::GateName::Mixed, blend::GateName::Return, blend::GateName::Ending] {
            assert!(!baselines::passes(&report, gate), "{name} passes {gate:?}");
        }
        // What is copied is what it is claimed to be.
        assert!(baselines::passes(&report, blend::GateName::Provenance), "{name}");
    }
}

#[test]
fn equal_seeds_are_equal_and_others_differ() {
    let songs = ["Harbour Lights", "Iron Gate", "Slow River"].map(song);
    let with = |seed, temperature| blended(&songs, &Options { seed, temperature, ..Options::default() });
    let first = with(1, 0.5);
    assert_eq!(first, with(1, 0.5));
    assert_ne!(first.score.parts, with(2, 0.5).score.parts);
    // Without temperature there is one plan.
    let still = Options { seed: 1, temperature: 0.0, creativity: 0.0, ..Options::default() };
    let cold = blended(&songs, &still);
    assert_eq!(cold.plans_made, 1);
    assert_eq!(cold.score.parts, blended(&songs, &Options { seed: 2, ..still }).score.parts);
}

/// Notes of the melody in a section, in quarters from its start.
fn tune(made: &Blend, section: usize) -> Vec<(i64, i32)> {
    let section = &made.plan.sections[section];
    let start = section.first_bar as f64 * made.plan.target.bar();
    let end = section.end_bar() as f64 * made.plan.target.bar();
    let inside = made.melody().iter().filter(|note| note.onset >= start - 1e-6 && note.onset < end - 2.0);
    inside.map(|note| (((note.onset - start) * 48.0).round() as i64, note.pitch)).collect()
}

#[test]
fn the_theme_returns_as_it_was_and_then_varied() {
    let songs = ["Harbour Lights", "Samba for Three", "Winter Chorale"].map(song);
    let made = blended(&songs, &Options { creativity: 1.0, ..Options::default() });
    assert_eq!(tune(&made, 1), tune(&made, 3));
    assert_ne!(tune(&made, 1), tune(&made, 5));
    let kinds = |section: usize| {
        let section = &made.plan.sections[section];
        let bars = section.first_bar..section.end_bar();
        bars.filter_map(|bar| made.plan.cell(Role::Melody, bar)).filter(|cell| cell.kind == Kind::Varied).count()
    };
    assert_eq!(kinds(3), 0);
    assert!(kinds(5) > 0, "what is ornamented says so");
    assert!(!made.lines[Role::CounterMelody.index()].is_empty());
    let borrowed = made.plan.cells[Role::Melody.index()].iter().flatten().filter(|cell| cell.contour.is_some()).count();
    assert!(borrowed > 0, "C has the contour of another song");

    let plain = blended(&songs, &Options { creativity: 0.0, ..Options::default() });
    assert_eq!(tune(&plain, 1), tune(&plain, 5));
    assert!(plain.lines[Role::CounterMelody.index()].is_empty());
}

#[test]
fn what_is_asked_for_is_kept() {
    let songs = ["Harbour Lights", "Iron Gate", "Desert Road"].map(song);
    let key = Key { tonic: 9, mode: Mode::Major, confidence: 1.0 };
    let options = Options {
        key: Some(key),
        tempo_bpm: Some(97.0),
        form: Some("ABAB".to_owned()),
        length: Length::Bars(41),
        ..Options::default()
    };
    let made = blended(&songs, &options);
    assert_eq!((made.plan.target.key, made.plan.target.bpm, made.plan.bars()), (key, 97.0, 41));
    let form: Vec<String> = made.plan.sections.iter().map(|section| section.label()).collect();
    assert_eq!(form.join(" "), "intro A B A′ B′ end");
    let last = made.lines[Role::Bass.index()].last().expect("there is a bass");
    assert_eq!(last.pitch % 12, 9);
}

#[test]
fn lengths_in_seconds_are_met_within_a_bar() {
    let songs = ["Harbour Lights", "Iron Gate", "Desert Road"].map(song);
    for seconds in [30.0, 61.5, 120.0, 200.0] {
        let made = blended(&songs, &Options { length: Length::Seconds(seconds), plans: 1, ..Options::default() });
        let bar = made.plan.target.bar() * 60.0 / made.plan.target.bpm;
        assert!((made.score.seconds() - seconds).abs() <= bar, "{} for {seconds}", made.score.seconds());
    }
    let asked =
        |seconds| blend::blend(&sources(&songs), &Options { length: Length::Seconds(seconds), ..Options::default() });
    for seconds in [1.0, 1e9, f64::NAN, -5.0] {
        assert!(matches!(asked(seconds), Err(BlendError::Seconds { .. })), "{seconds}");
    }
    // The longest there may be is met from below, and no number of bars goes past it.
    let slow = |length| {
        blend::blend(&sources(&songs), &Options { length, tempo_bpm: Some(40.0), plans: 1, ..Options::default() })
    };
    let longest = slow(Length::Seconds(blend::MOST_SECONDS)).unwrap();
    let seconds = longest.score.seconds();
    assert!((blend::MOST_SECONDS - 6.0..=blend::MOST_SECONDS).contains(&seconds), "{seconds}");
    let most = longest.plan.bars() as u32;
    assert!(slow(Length::Bars(most)).is_ok());
    let error = slow(Length::Bars(most + 1)).unwrap_err();
    assert!(
        matches!(error, BlendError::TooLong { bars, most: told, .. } if (bars, told) == (most + 1, most)),
        "{error}"
    );
}

#[test]
fn weights_shift_the_shares() {
    let songs = ["Harbour Lights", "Glass Tower", "Samba for Three"].map(song);
    let share = |weights| blended(&songs, &Options { weights, ..Options::default() }).song_shares();
    assert!(share([3.0, 1.0, 1.0])[0] > share([1.0, 1.0, 1.0])[0] + 0.08);
    assert!(share([1.0, 1.0, 3.0])[2] > 0.42);
}

#[test]
fn meters_are_brought_together() {
    let three = blended(&["The Miller's Round", "Old Waltz", "Iron Gate"].map(song), &Options::default());
    assert_eq!((three.plan.target.beats, three.score.meters[0].beats), (3, 3));
    let four = blended(&["The Miller's Round", "Samba for Three", "Iron Gate"].map(song), &Options::default());
    assert_eq!(four.plan.target.beats, 4);
    // Two bars of 2/4 are one.
    let snails = blended(&["March of the Snails", "Samba for Three", "Iron Gate"].map(song), &Options::default());
    let whole = snails.plan.cells.iter().flatten().flatten().filter(|cell| cell.song == Some(0));
    assert!(whole.clone().count() > 0);
    let material = &blend::materials(
        &sources(&["March of the Snails", "Samba for Three", "Iron Gate"].map(song)),
        &Options::default(),
    )
    .1[0];
    assert!(material.bars.len() < 20, "32 bars of 2/4 are 16 of 4/4, not {}", material.bars.len());
}

#[test]
fn swing_is_that_of_most_songs() {
    let swung = blended(&["Night Train", "Backyard Stomp", "Iron Gate"].map(song), &Options::default());
    assert!((1.7..=2.3).contains(&swung.plan.target.swing), "{}", swung.plan.target.swing);
    let straight = blended(&["Night Train", "Glass Tower", "Iron Gate"].map(song), &Options::default());
    assert_eq!(straight.plan.target.swing, 1.0);
    // On the second eighth of a beat nothing is left where it is straight, and nothing where it would swing.
    let places = |made: &Blend, tick: u64| {
        let notes = made.score.parts.iter().flat_map(|part| &part.notes);
        notes.filter(|note| note.onset % 480 == tick).count()
    };
    assert_eq!(places(&swung, 240), 0);
    assert!(places(&swung, 320) + places(&swung, 319) + places(&swung, 321) > 0);
    assert!(places(&straight, 240) > 0);
}

#[test]
fn fast_and_slow_songs_meet() {
    let songs = ["Two Hundred", "Slow River", "Samba for Three"].map(song);
    let made = blended(&songs, &Options { tempo_bpm: Some(104.0), ..Options::default() });
    assert_eq!(made.plan.target.scales, [0.5, 2.0, 1.0]);
    let cells = || made.plan.cells.iter().flatten().flatten();
    // Two bars of the fast one are one, but for a bar at the edge of a section that has no other half.
    let fast: Vec<_> = cells().filter(|cell| cell.song == Some(0)).collect();
    assert!(fast.iter().filter(|cell| cell.source_bars == 2).count() * 10 >= fast.len() * 9);
    assert!(cells().filter(|cell| cell.song == Some(1)).all(|cell| cell.source_bars == 1));
}

fn empty() -> Score {
    let style = &songs::STYLES[0];
    let mut score = songs::write(style, 1, 8);
    score.parts.clear();
    score
}

/// Onset and duration in ticks of 480 to the quarter, and pitch.
type Notes<'a> = &'a [(u64, u64, u8)];

/// A song of the given parts, each with whether it is drums.
fn written(parts: &[(bool, Notes<'_>)], meter: (u8, u8), bpm: f64) -> Score {
    let part = |(index, (drums, notes)): (usize, &(bool, Notes<'_>))| {
        let mut notes: Vec<ScoreNote> =
            notes.iter().map(|&(onset, duration, pitch)| ScoreNote { onset, duration, pitch, velocity: 90 }).collect();
        notes.sort_by_key(|note| (note.onset, note.pitch));
        notes.dedup_by_key(|note| (note.onset, note.pitch));
        let mut next = [u64::MAX; 128];
        for note in notes.iter_mut().rev() {
            note.duration = note.duration.min(next[usize::from(note.pitch)].saturating_sub(note.onset)).max(1);
            next[usize::from(note.pitch)] = note.onset;
        }
        Part {
            track: index as u16,
            port: 0,
            channel: if *drums { 9 } else { index as u8 % 9 },
            name: String::new(),
            program: 0,
            drums: *drums,
            notes,
            controls: Vec::new(),
        }
    };
    let parts: Vec<Part> = parts.iter().enumerate().map(part).collect();
    let end = parts.iter().flat_map(|part| &part.notes).map(ScoreNote::end).max().unwrap_or(0);
    Score {
        ticks_per_quarter: 480,
        title: String::new(),
        tempos: vec![TempoChange { at: 0, micros_per_quarter: (60e6 / bpm) as u32 }],
        meters: vec![MeterChange { at: 0, beats: meter.0, unit: meter.1 }],
        meter_is_given: true,
        key_signatures: Vec::new(),
        parts,
        lyrics: Vec::new(),
        markers: Vec::new(),
        end,
    }
}

#[test]
fn what_cannot_be_blended_is_said() {
    let check = |songs: [Song; 3], expected: &str| {
        let error = blend::blend(&sources(&songs), &Options::default()).expect_err("there is nothing to blend");
        assert_eq!(error.to_string(), expected);
    };
    check(
        [song("Iron Gate"), of("Nothing", empty()), song("Slow River")],
        "song 2 (\"Nothing\") has no notes: choose another song, or another file of it",
    );
    check(
        ["Drum Circle"; 3].map(song),
        "none of the three songs has a pitched note, so there is no melody, bass or chord to blend: choose at least one \
         song that is more than drums",
    );
}

#[test]
fn poor_songs_give_what_they_have() {
    let one_note: &[(u64, u64, u8)] = &[(0, 480, 60)];
    let one_bar: &[(u64, u64, u8)] = &[(0, 240, 64), (480, 240, 67), (960, 480, 72), (1440, 240, 71)];
    let hats: &[(u64, u64, u8)] = &[(0, 60, 42), (240, 60, 42), (480, 60, 38)];
    let of_bar = || of("One bar", written(&[(false, one_bar)], (4, 4), 120.0));
    for songs in [
        // The same song three times.
        ["Harbour Lights"; 3].map(song),
        // Hardly anything.
        [
            of("One note", written(&[(false, one_note)], (4, 4), 120.0)),
            of_bar(),
            of("Hats", written(&[(true, hats)], (4, 4), 90.0)),
        ],
        [of_bar(), of_bar(), of_bar()],
        // No drums at all; no tune at all; two that are only drums.
        ["Slow River", "Winter Chorale", "Lullaby in Six"].map(song),
        ["Engine Room", "Drum Circle", "Engine Room"].map(song),
        ["Drum Circle", "Drum Circle", "Old Waltz"].map(song),
    ] {
        for bars in [8, 9, 16, 27, 48, 100] {
            let options = Options { length: Length::Bars(bars), plans: 2, creativity: 1.0, ..Options::default() };
            let made = blended(&songs, &options);
            assert_eq!(made.plan.bars(), bars as usize);
            assert!(made.score.note_count() > 0);
        }
    }
}

#[test]
fn a_passage_in_another_key_gets_its_own_shift() {
    // 24 bars in C, 12 in F sharp.
    let scale = [0, 2, 4, 5, 7, 9, 11, 12];
    let mut notes = Vec::new();
    for bar in 0..36u64 {
        let tonic = if bar < 24 { 60 } else { 66 };
        for step in 0..8u64 {
            notes.push((bar * 1_920 + step * 240, 220, tonic + scale[((bar + step) % 8) as usize]));
        }
        notes.push((bar * 1_920, 1_800, tonic - 12));
        // The fourth and the leading note, which no other key has together.
        notes.push((bar * 1_920, 1_800, tonic - 7));
        notes.push((bar * 1_920, 1_800, tonic - 1));
    }
    let songs =
        [of("Moved", written(&[(false, &notes)], (4, 4), 120.0)), song("Harbour Lights"), song("March of the Snails")];
    let (_, materials) = blend::materials(&sources(&songs), &Options::default());
    let shift = |bar: usize| materials[0].bars[bar].shift.rem_euclid(12);
    assert_eq!((shift(8) + 12 - shift(32)) % 12, 6, "{} and {}", shift(8), shift(32));
}

#[test]
fn titles_cannot_break_the_picture() {
    let songs = [
        of("<script>\"&'", songs::write(&songs::STYLES[0], 1, 8)),
        of("\u{1}\u{202e}x", songs::write(&songs::STYLES[3], 1, 8)),
        of("", songs::write(&songs::STYLES[4], 1, 8)),
    ];
    let made = blended(&songs, &Options { plans: 1, ..Options::default() });
    assert!(!made.picture().contains("<script"));
}

fn any_notes() -> impl Strategy<Value = Vec<(u64, u64, u8)>> {
    prop::collection::vec((0u64..20_000, 1u64..4_000, 0u8..128), 0..60)
}

fn any_song() -> impl Strategy<Value = Score> {
    let meters = prop_oneof![
        Just((4u8, 4u8)),
        Just((3, 4)),
        Just((2, 4)),
        Just((6, 8)),
        Just((5, 4)),
        Just((7, 8)),
        Just((12, 8)),
        Just((1, 1))
    ];
    (any_notes(), any_notes(), any_notes(), meters, 20.0f64..300.0)
        .prop_map(|(a, b, drums, meter, bpm)| written(&[(false, &a), (false, &b), (true, &drums)], meter, bpm))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_songs_make_a_blend_or_an_error(
        scores in [any_song(), any_song(), any_song()],
        bars in 8u32..70,
        creativity in 0.0f64..=1.0,
        temperature in 0.0f64..=1.0,
        seed: u64,
    ) {
        let songs = scores.map(|score| of("Any", score));
        let options = Options { length: Length::Bars(bars), creativity, temperature, seed, plans: 1, ..Options::default() };
        match blend::blend(&sources(&songs), &options) {
            Ok(made) => check(&made, &songs),
            Err(error) => prop_assert!(matches!(error, BlendError::NoNotes { .. } | BlendError::OnlyDrums), "{error}"),
        }
    }
}
