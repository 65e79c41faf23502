//! What holds for every file and every score.

use music::{
    score::{Control, ControlChange, KeySignature, MeterChange, Part, Score, ScoreNote, TempoChange, Text},
    smf::{self, Limits},
};
use proptest::{collection::vec, prelude::*};

/// Bytes in which a change is likely to matter.
const ODD_BYTES: [u8; 12] = [0, 1, 0x2f, 0x51, 0x7f, 0x80, 0x90, 0xb0, 0xc0, 0xf0, 0xf7, 0xff];

/// Scores as a reader gives them.
fn scores() -> impl Strategy<Value = Score> {
    let head = ("[a-zé日][a-zé日/ ]{0,8}[a-z日]|", 1_u32..32_768, any::<bool>(), 0_u64..500);
    let tempos = vec((0_u64..4_000, 1_u32..1 << 24), 0..4);
    let meters = vec((1_u64..4_000, 1_u8.., 0_u32..8), 0..3);
    let keys = vec((0_u64..4_000, -7_i8..=7, any::<bool>()), 0..3);
    let texts = || vec((0_u64..4_000, "[a-zé日]{1,5}"), 0..4);
    let places = vec((0_u16..6, 0_u8..16, parts()), 1..8);
    (head, tempos, meters, keys, texts(), texts(), places).prop_map(
        |((title, ticks_per_quarter, meter_is_given, tail), tempos, meters, keys, lyrics, markers, places)| {
            let mut score = Score {
                ticks_per_quarter,
                title,
                tempos: vec![TempoChange { at: 0, micros_per_quarter: 400_000 }],
                meters: vec![MeterChange { at: 0, beats: if meter_is_given { 3 } else { 4 }, unit: 4 }],
                meter_is_given,
                key_signatures: keys
                    .into_iter()
                    .map(|(at, sharps, minor)| KeySignature { at, sharps, minor })
                    .collect(),
                parts: Vec::new(),
                lyrics: lyrics.into_iter().map(|(at, text)| Text { at, text }).collect(),
                markers: markers.into_iter().map(|(at, text)| Text { at, text }).collect(),
                end: 5_000,
            };
            score
                .tempos
                .extend(tempos.into_iter().map(|(at, micros_per_quarter)| TempoChange { at, micros_per_quarter }));
            if meter_is_given {
                let meters = meters.into_iter().map(|(at, beats, power)| MeterChange { at, beats, unit: 1 << power });
                score.meters.extend(meters);
            }
            score.tempos.sort_by_key(|change| change.at);
            score.tempos.dedup_by_key(|change| change.at);
            score.meters.sort_by_key(|change| change.at);
            score.meters.dedup_by_key(|change| change.at);
            score.key_signatures.sort_by_key(|change| change.at);
            score.key_signatures.dedup_by_key(|change| change.at);
            score.lyrics.sort_by_key(|text| text.at);
            score.markers.sort_by_key(|text| text.at);
            for (track, channel, (name, notes, controls)) in places {
                if score.parts.iter().all(|part| (part.track, part.channel) != (track, channel)) {
                    score.parts.push(part(track, channel, &name, notes, controls));
                }
            }
            score.parts.sort_by_key(|part| (part.track, part.channel));
            // A name is the track's, and the last note is near the end.
            for index in 1..score.parts.len() {
                if score.parts[index].track == score.parts[index - 1].track {
                    score.parts[index].name = score.parts[index - 1].name.clone();
                }
            }
            let last = score.parts.iter().flat_map(|part| &part.notes).map(ScoreNote::end).max().unwrap_or(0);
            score.parts[0].notes.push(ScoreNote { onset: last.max(4_000), duration: 960, pitch: 1, velocity: 1 });
            score.end = last.max(4_960) + tail.min(1);
            score
        },
    )
}

type Content = (String, Vec<(u64, u64, u8, u8)>, Vec<(u64, ControlChange)>);

fn parts() -> impl Strategy<Value = Content> {
    let control = prop_oneof![
        (1_u8..32, 0_u8..128).prop_map(|(number, value)| ControlChange::Controller(number, value)),
        (-8_192_i16..8_192).prop_map(ControlChange::PitchBend),
        (0_u8..128).prop_map(ControlChange::Pressure),
        (0_u8..128, 0_u8..128).prop_map(|(key, value)| ControlChange::KeyPressure(key, value)),
    ];
    let notes = vec((0_u64..3_000, 1_u64..500, 0_u8..128, 1_u8..128), 1..20);
    ("[a-zé日]{0,6}", notes, vec((0_u64..3_500, control), 0..6))
}

/// Program and drums depend on the channel alone, as on a synthesizer.
fn part(
    track: u16,
    channel: u8,
    name: &str,
    notes: Vec<(u64, u64, u8, u8)>,
    controls: Vec<(u64, ControlChange)>,
) -> Part {
    let mut notes: Vec<ScoreNote> = notes
        .into_iter()
        .map(|(onset, duration, pitch, velocity)| ScoreNote { onset, duration, pitch, velocity })
        .collect();
    notes.sort_by_key(|note| (note.pitch, note.onset));
    notes.dedup_by_key(|note| (note.pitch, note.onset));
    for index in 1..notes.len() {
        if notes[index].pitch == notes[index - 1].pitch {
            notes[index - 1].duration = notes[index - 1].duration.min(notes[index].onset - notes[index - 1].onset);
        }
    }
    notes.sort_by_key(|note| (note.onset, note.pitch));
    let mut controls: Vec<Control> = controls.into_iter().map(|(at, change)| Control { at, change }).collect();
    controls.sort_by_key(|control| control.at);
    let (program, drums) = (channel * 7, [3, 9].contains(&channel));
    Part { track, port: 0, channel, name: name.to_owned(), program, drums, notes, controls }
}

/// Ways to break a file.
#[derive(Clone, Debug)]
enum Damage {
    Set(usize, u8),
    Remove(usize, usize),
    Repeat(usize, usize),
    Cut(usize),
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(&ODD_BYTES[..])];
    let at = || any::<usize>();
    let damage = prop_oneof![
        6 => (at(), byte).prop_map(|(at, byte)| Damage::Set(at, byte)),
        2 => (at(), 1_usize..9).prop_map(|(at, length)| Damage::Remove(at, length)),
        2 => (at(), 1_usize..40).prop_map(|(at, length)| Damage::Repeat(at, length)),
        1 => at().prop_map(Damage::Cut),
    ];
    vec(damage, 1..12)
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let length = bytes.len().max(1);
        let span = |at: &usize, many: &usize, bytes: &[u8]| (at % length, (at % length + many).min(bytes.len()));
        match damage {
            Damage::Set(at, byte) => bytes.iter_mut().skip(at % length).take(1).for_each(|place| *place = *byte),
            Damage::Remove(at, many) => {
                let (from, to) = span(at, many, &bytes);
                bytes.drain(from..to);
            }
            Damage::Repeat(at, many) => {
                let (from, to) = span(at, many, &bytes);
                let again = bytes[from..to].to_vec();
                bytes.splice(to..to, again);
            }
            Damage::Cut(at) => bytes.truncate(at % length),
        }
    }
    bytes
}

/// Reads with bounds that are easily met, and checks that all of them hold.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let tight =
        Limits { seconds: 20.0, notes: 50, events: 400, tracks: 8, text_bytes: 64, warnings: 5, ..Limits::default() };
    for limits in [Limits::default(), tight] {
        let result = smf::read(bytes, &limits);
        prop_assert_eq!(&result, &smf::read(bytes, &limits), "not the same twice");
        let Ok(song) = result else { continue };
        prop_assert_eq!(song.score.broken_rule(), None);
        prop_assert!(song.score.note_count() > 0 && song.score.note_count() <= limits.notes);
        // A note at the edge is at least a tick long.
        let tick = song.score.seconds_at(1).max(17.0 / f64::from(song.score.ticks_per_quarter));
        prop_assert!(song.score.seconds() <= limits.seconds + tick, "{} s", song.score.seconds());
        prop_assert!(song.warnings.len() <= limits.warnings + 1);
        prop_assert!(song.warnings.iter().all(|warning| warning.byte_offset <= bytes.len()));
        prop_assert!(song.score.parts.len() <= usize::from(limits.tracks) * 16);
        let again = smf::read(&smf::write(&song.score), &Limits { bytes: usize::MAX, ..Limits::default() });
        let again = again.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(again.score, song.score, "what was read is not written as it is");
    }
    Ok(())
}

/// Events with their deltas, of every kind and in every form: legal ones, such as a shorter status or a message in pieces,
/// ones that say a wrong length, and ones that no file may have.
fn events() -> impl Strategy<Value = Vec<u8>> {
    let low = || 0_u8..128;
    let delta = prop_oneof![
        4 => Just(vec![0]),
        4 => low().prop_map(|delta| vec![delta]),
        1 => (0x81_u8.., low()).prop_map(|(high, low)| vec![high, low]),
        1 => Just(vec![0xff, 0xff, 0xff, 0x7f]),
    ];
    let sized = prop::sample::select(&[(0x51_u8, 3_usize), (0x58, 4), (0x59, 2), (0x54, 5), (0x20, 1), (0x21, 1)][..]);
    let sized = sized.prop_flat_map(|(kind, length)| (Just(kind), vec(any::<u8>(), length)));
    let meta = |kind: u8, said: u8, data: &[u8]| [&[0xff, kind, said], data].concat();
    let event = prop_oneof![
        6 => (0x80_u8..0xa0, 55_u8..65, low()).prop_map(|(status, key, velocity)| vec![status, key, velocity]),
        4 => (55_u8..65, low()).prop_map(|(key, velocity)| vec![key, velocity]),
        3 => (0xa0_u8..0xc0, low(), low()).prop_map(|(status, first, second)| vec![status, first, second]),
        2 => (0xc0_u8..0xe0, low()).prop_map(|(status, value)| vec![status, value]),
        1 => (0xe0_u8..0xf0, low(), low()).prop_map(|(status, first, second)| vec![status, first, second]),
        1 => (0xb0_u8..0xc0, 0_u8..6, low()).prop_map(|(at, number, value)| {
            vec![at, 101, 0, 0, at, 100, number, 0, at, 6, value]
        }),
        3 => sized.prop_map(move |(kind, data)| meta(kind, data.len() as u8, &data)),
        2 => (low(), 0_u8..12, vec(any::<u8>(), 0..8)).prop_map(move |(kind, said, data)| meta(kind, said, &data)),
        2 => (prop::sample::select(&[0xf0_u8, 0xf7][..]), vec(low(), 0..8), any::<bool>()).prop_map(|(status, data, ends)| {
            let end: &[u8] = if ends { &[0xf7] } else { &[] };
            [&[status, (data.len() + end.len()) as u8], &data[..], end].concat()
        }),
        1 => (0xf1_u8.., low()).prop_map(|(status, value)| vec![status, value]),
    ];
    vec((delta, event), 0..60)
        .prop_map(|events| events.into_iter().flat_map(|(delta, event)| [delta, event].concat()).collect())
}

/// Files of such events: of any format and time base, and with a header or a track that says what is not so.
fn files() -> impl Strategy<Value = Vec<u8>> {
    let division = prop_oneof![3 => Just(96_u16), 1 => any::<u16>(), 1 => Just(0xe728)];
    let lie = prop::option::weighted(0.2, (any::<usize>(), any::<u32>()));
    (0_u16..4, division, vec(events(), 1..5), prop::option::weighted(0.2, 0_u16..40), lie).prop_map(
        |(format, division, tracks, said, lie)| {
            let mut bytes = super::build::header(format, said.unwrap_or(tracks.len() as u16 + 1), division);
            bytes.extend(super::build::track(&super::build::quarter(60)));
            for (index, events) in tracks.iter().enumerate() {
                let length = lie.filter(|(place, _)| place % tracks.len() == index).map(|(_, length)| length);
                bytes.extend(super::build::track_saying(length.unwrap_or(events.len() as u32), events));
            }
            bytes
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(score in scores()) {
        prop_assert_eq!(score.broken_rule(), None);
        let bytes = smf::write(&score);
        // Slow tempos and coarse ticks make hours of it.
        let limits = Limits { seconds: 1e6, tail_seconds: 60.0, ..Limits::default() };
        let back = smf::read(&bytes, &limits).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&back.score, &score);
        prop_assert_eq!(back.warnings, Vec::new());
        prop_assert!(midly::Smf::parse(&bytes).is_ok());
    }

    #[test]
    fn no_damage_leads_to_more_than_a_score_within_its_bounds(score in scores(), damages in damages()) {
        check(&damaged(smf::write(&score), &damages))?;
    }

    #[test]
    fn neither_do_any_bytes_in_a_track(events in vec(prop_oneof![any::<u8>(), prop::sample::select(&ODD_BYTES[..])], 0..300)) {
        check(&super::build::file(1, &[&super::build::quarter(60), &events]))?;
        check(&super::build::file(2, &[&events, &events]))?;
        check(&events)?;
    }

    #[test]
    fn any_events_in_any_form_lead_to_a_score_that_can_be_analysed(bytes in files(), damages in prop::option::of(damages())) {
        let bytes = damages.map_or_else(|| bytes.clone(), |damages| damaged(bytes.clone(), &damages));
        check(&bytes)?;
        let limits = Limits { seconds: 60.0, notes: 500, events: 2_000, ..Limits::default() };
        if let Ok(song) = smf::read(&bytes, &limits) {
            prop_assert_eq!(music::analyse(&song.score).parts.len(), song.score.parts.len());
        }
    }
}
