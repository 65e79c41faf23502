//! Somebody else's speech, aligned with its words and sung. flite, whose times are known, stands in for them.

mod common;

use common::{TEXT, Way, flite, is_vowel, recordings, song};
use lyrics::Lyrics;
use voice::{Speaker, SpokenPart, Utterance, Voice, align_spoken};

/// Seconds by which each vowel was missed.
#[derive(Default)]
struct Misses(Vec<f64>);

impl Misses {
    fn at(&mut self, share: f64) -> f64 {
        self.0.sort_by(f64::total_cmp);
        1000.0 * self.0[(share * (self.0.len() - 1) as f64).round() as usize]
    }
}

impl std::fmt::Display for Misses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut own = Misses(self.0.clone());
        write!(f, "{:5.1} {:5.1} {:6.1}", own.at(0.5), own.at(0.9), own.at(1.0))
    }
}

/// Where each utterance lies in its recording and where its vowels begin, in seconds of the recording.
fn vowels(part: &SpokenPart, lines: &[Utterance]) -> Vec<f64> {
    let sound = pitch::f0::Resampler::new(part.sample_rate_hz, 16_000).convert(&part.samples);
    let mut from = 0;
    let mut vowels = Vec::new();
    for line in lines {
        let at =
            sound[from..].windows(64).position(|window| window == &line.samples[..64]).expect("a cut of it") + from;
        let mut start = 0.0;
        for (phone, end) in &line.phones {
            if is_vowel(phone) {
                vowels.push(at as f64 / 16_000.0 + start);
            }
            start = *end;
        }
        from = at;
    }
    vowels
}

fn aligned(lyrics: &Lyrics, way: &Way, against: Option<(&dyn Speaker, Voice)>, misses: &mut Misses) {
    let recordings = recordings(lyrics, way);
    let parts: Vec<SpokenPart> = recordings.iter().map(|recording| recording.part.clone()).collect();
    let lines = align_spoken(lyrics, &parts, against).expect("aligned");
    assert_eq!(lines.len(), lyrics.lines.len());
    for recording in &recordings {
        let found = vowels(&recording.part, &lines[recording.part.lines.clone()]);
        assert_eq!(found.len(), recording.vowels.len());
        misses.0.extend(found.iter().zip(&recording.vowels).map(|(a, b)| (a - b).abs()));
    }
}

/// Vowels at equal distances.
fn spaced(lyrics: &Lyrics, way: &Way, misses: &mut Misses) {
    for recording in recordings(lyrics, way) {
        let (first, last) = (recording.vowels[0], recording.vowels[recording.vowels.len() - 1]);
        let step = (last - first) / (recording.vowels.len() - 1).max(1) as f64;
        misses.0.extend(recording.vowels.iter().enumerate().map(|(i, at)| (first + step * i as f64 - at).abs()));
    }
}

#[test]
fn vowels_are_found_where_they_are() {
    let (_, lyrics) = song(&TEXT, 50);
    let flite = flite();
    println!("voice tempo noise lines | formant: median p90 worst ms | flite's other voice | evenly spaced");
    for voice in [Voice::Rms, Voice::Slt, Voice::Awb, Voice::Kal16] {
        for (tempo, noise_db, lines_a_part) in [(1.0, -60.0, 1), (0.8, -25.0, 2), (1.2, -20.0, 3), (1.0, -15.0, 4)] {
            let way = Way { voice, tempo, noise_db, lines_a_part };
            let other = if voice == Voice::Rms { Voice::Slt } else { Voice::Rms };
            let [mut own, mut lent, mut even] = [(); 3].map(|()| Misses::default());
            aligned(&lyrics, &way, None, &mut own);
            aligned(&lyrics, &way, Some((&flite, other)), &mut lent);
            spaced(&lyrics, &way, &mut even);
            println!("{voice:5} {tempo} {noise_db} {lines_a_part} | {own} | {lent} | {even}");
        }
    }
}

#[test]
fn what_is_not_said_is_not_found() {
    let (_, lyrics) = song(&TEXT, 50);
    for voice in [Voice::Rms, Voice::Slt, Voice::Kal16] {
        let way = Way { voice, tempo: 1.0, noise_db: -30.0, lines_a_part: 2 };
        let said = recordings(&lyrics, &way);
        for (name, change) in CHANGES {
            println!("== {voice} {name}");
            for index in 0..said.len() {
                let parts: Vec<SpokenPart> = (0..said.len())
                    .map(|i| {
                        let other = &said[(i + 1) % said.len()].part.samples;
                        let mut part = said[i].part.clone();
                        if i == index {
                            part.samples = change(&part.samples, other);
                        }
                        part
                    })
                    .collect();
                let cut = Lyrics { lines: lyrics.lines[said[index].part.lines.clone()].to_vec(), ..lyrics.clone() };
                println!(
                    "{:?}",
                    align_spoken(&cut, &[SpokenPart { lines: 0..2, ..parts[index].clone() }], None)
                        .map(|l| l.len())
                        .err()
                );
            }
        }
    }
}

type Change = fn(&[f32], &[f32]) -> Vec<f32>;
const CHANGES: [(&str, Change); 7] = [
    ("right", |own, _| own.to_vec()),
    ("another", |_, other| other.to_vec()),
    ("first half", |own, _| own[..own.len() / 2].to_vec()),
    ("twice", |own, _| [own, own].concat()),
    ("and more", |own, other| [own, other].concat()),
    ("noise", |own, _| {
        let mut d = common::Dice(1);
        own.iter().map(|_| (d.next() - 0.5) as f32 * 0.1).collect()
    }),
    ("backwards", |own, _| own.iter().rev().copied().collect()),
];
