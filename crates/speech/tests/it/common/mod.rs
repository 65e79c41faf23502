//! A voice from elsewhere: flite, whose times are known, through another sample rate, tempo and room, with pauses.

use lyrics::{Language, LyricLine, Lyrics, Section, Syllable};
use music::{Key, Melody, MidiPitch, Mode, Note, Phrase};
use pitch::f0::Resampler;
use speech::Flite;
use voice::{Speaker, SpokenPart, SpokenWord, Voice};

pub const TEXT: [&str; 12] = [
    "the morning light is on the water",
    "and every boat is coming home",
    "i hear the bells across the harbor",
    "they tell me i am not alone",
    "oh carry me over the mountain",
    "where summer rain begins to fall",
    "we danced all night beneath the branches",
    "and never heard the river call",
    "my father kept a silver compass",
    "it showed the way through fog and snow",
    "now every road is like a question",
    "but strangely i know where to go",
];
/// What leaves the recordings.
pub const RATE_HZ: u32 = 24_000;

/// Where a voice comes from and what happened to it on the way.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    pub voice: Voice,
    /// 1.25: a quarter faster.
    pub tempo: f64,
    /// Noise against speech, in dB.
    pub noise_db: f64,
    pub lines_a_part: usize,
}

pub fn flite() -> Flite {
    Flite::find().expect("these tests need flite: `cargo xtask setup`, or apt-get install flite")
}

/// Lines on notes: a tune that rises and falls, each line a phrase.
pub fn song(lines: &[&str], tonic: u8) -> (Melody, Lyrics) {
    const STEPS: [u8; 9] = [0, 2, 4, 5, 7, 5, 4, 2, 4];
    let (mut notes, mut phrases, mut written, mut now) = (Vec::new(), Vec::new(), Vec::new(), 0.6);
    for (phrase, text) in lines.iter().enumerate() {
        let words = lyrics::words_of(text);
        let syllables = Language::English.realise(&words, None).expect("known words");
        let start = notes.len();
        let count = syllables.len();
        for index in 0..count {
            let seconds = if index + 1 == count { 0.9 } else { 0.34 + 0.12 * f64::from(u8::from(index % 3 == 0)) };
            let pitch = MidiPitch::new(tonic + STEPS[index % STEPS.len()]);
            notes.push(Note { onset_seconds: now, duration_seconds: seconds, pitch, cents: 0.0, velocity: 85 });
            now += seconds;
        }
        now += 0.5;
        phrases.push(Phrase { start, end: notes.len() });
        let placed = |(index, syllable): (usize, Syllable)| Syllable { note: start + index, ..syllable };
        let syllables = syllables.into_iter().enumerate().map(placed).collect();
        written.push(LyricLine { phrase, section: Section::default(), text: (*text).into(), syllables });
    }
    let melody = Melody {
        duration_seconds: now,
        notes,
        phrases,
        key: Key { tonic: tonic % 12, mode: Mode::Major, confidence: 1.0 },
        tempo_bpm: 100.0,
        ..Melody::default()
    };
    (melody, Lyrics { title: String::new(), lines: written, language: "en".into() })
}

pub fn words_of(line: &LyricLine) -> Vec<SpokenWord> {
    let texts = lyrics::words_of(&line.text);
    line.syllables
        .chunk_by(|a, b| a.word_index == b.word_index)
        .map(|syllables| SpokenWord {
            text: texts[syllables[0].word_index].clone(),
            phones: syllables.iter().flat_map(|s| s.phones.clone()).collect(),
        })
        .collect()
}

pub fn is_vowel(phone: &str) -> bool {
    phone.starts_with(['A', 'E', 'I', 'O', 'U'])
}

/// A part that was spoken, and when its vowels really begin.
pub struct Recording {
    pub part: SpokenPart,
    pub vowels: Vec<f64>,
}

/// Has lines spoken and sends them the way. Before, between and after them are pauses of uneven length.
pub fn recordings(lyrics: &Lyrics, way: &Way) -> Vec<Recording> {
    let flite = flite();
    let mut dice = Dice(way.lines_a_part as u32 + 7);
    let starts = (0..lyrics.lines.len()).step_by(way.lines_a_part);
    starts
        .map(|start| {
            let lines = start..(start + way.lines_a_part).min(lyrics.lines.len());
            let (mut samples, mut vowels) = (vec![0.0; (4_000.0 + 9_000.0 * dice.next()) as usize], Vec::new());
            for line in &lyrics.lines[lines.clone()] {
                let said = flite.say(way.voice, &words_of(line)).expect("said");
                assert_eq!(said.sample_rate_hz, 16_000);
                let mut now = 0.0;
                let (quick, shift) = hurried(&said.samples, way.tempo);
                let before = samples.len() as f64 / 16_000.0;
                for (phone, end) in &said.phones {
                    if is_vowel(phone) {
                        vowels.push(before + shift(now));
                    }
                    now = *end;
                }
                samples.extend(quick);
                samples.extend(vec![0.0; (10_000.0 * dice.next()) as usize]);
            }
            let power = samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64;
            let level = (power * 10f64.powf(way.noise_db / 10.0) * 12.0).sqrt();
            let mut hum = 0.0;
            for sample in &mut samples {
                hum = 0.7 * hum + 0.7 * level * (dice.next() - 0.5);
                *sample += hum as f32;
            }
            let samples = Resampler::new(16_000, RATE_HZ).convert(&samples);
            Recording { part: SpokenPart { lines, sample_rate_hz: RATE_HZ, samples }, vowels }
        })
        .collect()
}

/// The same speech at another tempo and the same pitch: pieces of 40 ms laid over each other where they fit best. With
/// where each moment went.
fn hurried(samples: &[f32], tempo: f64) -> (Vec<f32>, impl Fn(f64) -> f64 + use<>) {
    const PIECE: usize = 640;
    const HALF: usize = PIECE / 2;
    const REACH: i64 = 130;
    let is_changed = (tempo - 1.0).abs() > 1e-6;
    let shift = move |seconds: f64| if is_changed { seconds / tempo } else { seconds };
    if !is_changed {
        return (samples.to_vec(), shift);
    }
    let at = |index: i64| usize::try_from(index).ok().and_then(|index| samples.get(index)).copied().unwrap_or(0.0);
    let count = (samples.len() as f64 / tempo) as usize;
    let mut out = vec![0.0f32; count + PIECE];
    let mut last = 0i64;
    for place in (0..count).step_by(HALF) {
        let wanted = ((place + HALF) as f64 * tempo) as i64 - HALF as i64;
        let follows = last + HALF as i64;
        let likeness = |from: i64| (0..HALF as i64).step_by(2).map(|i| at(from + i) * at(follows + i)).sum::<f32>();
        let fits = |from: &i64| likeness(*from);
        let best = if place == 0 {
            wanted
        } else {
            (wanted - REACH..=wanted + REACH).max_by(|a, b| fits(a).total_cmp(&fits(b))).unwrap_or(wanted)
        };
        for index in 0..PIECE {
            let turn = std::f32::consts::TAU * (index as f32 + 0.5) / PIECE as f32;
            out[place + index] += at(best + index as i64) * (0.5 - 0.5 * turn.cos());
        }
        last = best;
    }
    out.truncate(count);
    (out, shift)
}

pub struct Dice(pub u32);

impl Dice {
    /// 0 to 1.
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0 >> 8) / f64::from(1 << 24)
    }
}
