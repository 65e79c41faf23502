//! How the lyrics of ours sit on melodies, in figures, over many seeds; with `songs`, the texts themselves.
//!
//! `cargo run --release -p lyrics --example lyric_setting -- [SEEDS] [songs]`
//!
//! Long notes are those of more than 1.3 times their line's median. Function words are split into weak ones, which may
//! not end a line ("the", "of"), and those that may ("me", "all").

use std::{
    collections::{HashMap, HashSet},
    error::Error,
    time::Instant,
};

use domain::quality::{FEWEST_PROMPT_WORDS, FEWEST_RHYMING_LINES, FEWEST_STRESS_PAIRS, QualityGate};
use lyrics::{Language, Lyrics, LyricsFit, LyricsRequest, words_of};
use music::{Key, Melody, MidiPitch, Mode, Note, Phrase};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// Longer than this many medians of the line is long.
const LONG: f64 = 1.3;

/// Steps above the tonic and seconds of each phrase.
type Tune = Vec<Vec<(u8, f64)>>;

fn tune(phrases: &Tune) -> Melody {
    let (mut notes, mut spans, mut now) = (Vec::new(), Vec::new(), 0.5);
    for phrase in phrases {
        let start = notes.len();
        for &(step, seconds) in phrase {
            let pitch = MidiPitch::new(52 + step);
            notes.push(Note { onset_seconds: now, duration_seconds: seconds, pitch, cents: 0.0, velocity: 85 });
            now += seconds;
        }
        now += 0.45;
        spans.push(Phrase { start, end: notes.len() });
    }
    let key = Key { tonic: 4, mode: Mode::Major, confidence: 1.0 };
    Melody { duration_seconds: now, notes, phrases: spans, key, tempo_bpm: 100.0, ..Melody::default() }
}

fn calm() -> Tune {
    vec![
        vec![(0, 0.5), (2, 0.35), (4, 0.7), (5, 0.35), (4, 0.35), (2, 0.9)],
        vec![(4, 0.4), (5, 0.4), (7, 0.6), (5, 0.3), (4, 0.3), (2, 0.4), (0, 1.0)],
        vec![(7, 0.6), (7, 0.3), (9, 0.5), (7, 0.4), (4, 0.8)],
        vec![(5, 0.4), (4, 0.4), (2, 0.4), (4, 0.5), (2, 0.4), (0, 1.2)],
    ]
}

fn brisk() -> Tune {
    vec![
        vec![(0, 0.28), (0, 0.28), (7, 0.35), (7, 0.28), (9, 0.28), (9, 0.28), (7, 0.6)],
        vec![(5, 0.3), (5, 0.3), (4, 0.3), (4, 0.3), (2, 0.3), (2, 0.3), (0, 0.7)],
        vec![(7, 0.3), (5, 0.3), (4, 0.3), (2, 0.3), (7, 0.4), (5, 0.3), (4, 0.6)],
        vec![(0, 0.3), (2, 0.3), (4, 0.3), (5, 0.3), (4, 0.4), (2, 0.3), (0, 0.8)],
    ]
}

/// Phrases of notes of one, two and more parts of a beat in any order.
fn random(seed: u64, phrases: usize, notes: std::ops::RangeInclusive<usize>) -> Tune {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut phrase = || {
        let count = dice.random_range(notes.clone());
        let mut step = 4u8;
        let mut note = |last: bool| {
            step = (step + dice.random_range(0..5)).saturating_sub(2).min(12);
            let seconds = *[0.25, 0.25, 0.3, 0.5, 0.5, 0.75, 1.0].choose(&mut dice).unwrap_or(&0.5);
            (step, if last { f64::max(seconds, 0.6) } else { seconds })
        };
        (0..count).map(|at| note(at + 1 == count)).collect()
    };
    (0..phrases).map(|_| phrase()).collect()
}

fn melodies() -> Result<Vec<(String, Melody)>, Box<dyn Error>> {
    let hum = pitch::sample::hummed_tune();
    let mut all = vec![("sample".to_owned(), pitch::extract_melody(&hum.samples, hum.sample_rate_hz, &mut |_| {})?)];
    all.push(("calm".into(), tune(&calm())));
    all.push(("brisk".into(), tune(&brisk())));
    all.push(("calm, twice".into(), tune(&calm().into_iter().chain(brisk()).collect())));
    all.extend((0..4).map(|seed| (format!("random {seed}"), tune(&random(seed, 8, 4..=9)))));
    all.extend((4..6).map(|seed| (format!("long {seed}"), tune(&random(seed, 20, 4..=9)))));
    all.extend((6..8).map(|seed| (format!("short {seed}"), tune(&random(seed, 6, 2..=3)))));
    all.extend((10..12).map(|seed| (format!("small {seed}"), tune(&random(seed, 4, 3..=5)))));
    all.push(("two lines of two".into(), tune(&random(9, 2, 2..=2))));
    Ok(all)
}

/// What a request may ask for, in English and Spanish.
const PROMPTS: [[&str; 8]; 2] = [
    [
        "A romantic ballad about summer nights",
        "the ocean at midnight and freedom",
        "my grandmother's kitchen in winter",
        "robots dancing in Tokyo",
        "stars",
        "a pop song please",
        "an angry rock anthem about fire and the road",
        "elephants and umbrellas, sad",
    ],
    [
        "Una balada romántica sobre las noches de verano",
        "el mar de noche y la libertad",
        "la cocina de mi abuela en invierno",
        "robots que bailan en Tokio",
        "estrellas",
        "una canción, por favor",
        "un himno de rock sobre el fuego y el camino",
        "A quiet song about the river and the sea",
    ],
];

#[derive(Default)]
struct Sums {
    /// Relative durations and how many: weak function words, others of them, unstressed and stressed content syllables.
    durations: [f64; 4],
    counts: [usize; 4],
    long: usize,
    long_with: [usize; 4],
    lines: usize,
    longest_unstressed: usize,
    longest_weak: usize,
    /// Lines of four syllables or more without a word that says something.
    empty: usize,
    content: usize,
    fits: Vec<LyricsFit>,
    texts: HashMap<String, usize>,
    seconds: f64,
    /// First takes that the quality gate's defaults would refuse for stress, rhyme and the prompt's words.
    refused: [usize; 3],
    /// Songs of which it would refuse three takes.
    lost: usize,
}

/// Stress, rhyme, the prompt's words: which of them the quality gate's defaults have something against.
fn refusals(fit: &LyricsFit) -> [bool; 3] {
    let gate = QualityGate::default();
    let enough = |found: usize, fewest: u32| found >= fewest as usize;
    [
        enough(fit.stress_pairs, FEWEST_STRESS_PAIRS) && fit.stress_match < gate.min_stress_match,
        enough(fit.rhyming_lines, FEWEST_RHYMING_LINES) && fit.near_rhyme_share < gate.min_rhyme,
        enough(fit.prompt_words, FEWEST_PROMPT_WORDS) && fit.prompt_words_kept < gate.min_prompt_words_kept,
    ]
}

/// 0 weak function word, 1 another one, 2 unstressed syllable of another word, 3 a stressed one.
fn kind(language: Language, phones: &[String], word: &str) -> usize {
    if language.is_function_word(word) {
        return usize::from(language.may_end_a_line(word));
    }
    2 + usize::from(phones.iter().any(|phone| phone.ends_with(['1', '2'])))
}

impl Sums {
    fn add(&mut self, lyrics: &Lyrics, melody: &Melody, request: &LyricsRequest) -> Result<(), Box<dyn Error>> {
        let language = Language::of(&lyrics.language)?;
        self.fits.push(lyrics::lyrics_fit(lyrics, melody, request));
        for line in lyrics.lines.iter().filter(|line| !line.section.returns()) {
            *self.texts.entry(line.text.to_lowercase()).or_default() += 1;
            let words = words_of(&line.text);
            let content = words.iter().filter(|word| !language.is_function_word(word)).count();
            self.content += content;
            self.lines += 1;
            self.empty += usize::from(content == 0 && line.syllables.len() >= 4);
            let lengths: Vec<f64> = line.syllables.iter().map(|s| melody.notes[s.note].duration_seconds).collect();
            let mut sorted = lengths.clone();
            sorted.sort_by(f64::total_cmp);
            let median = sorted[sorted.len() / 2];
            let longest = sorted[sorted.len() - 1];
            for (syllable, seconds) in line.syllables.iter().zip(&lengths) {
                let kind = kind(language, &syllable.phones, &words[syllable.word_index]);
                self.durations[kind] += seconds / median;
                self.counts[kind] += 1;
                if *seconds > LONG * median {
                    self.long += 1;
                    self.long_with[kind] += 1;
                }
                if (seconds - longest).abs() < 1e-9 && longest > LONG * median {
                    self.longest_unstressed += usize::from(kind < 3);
                    self.longest_weak += usize::from(kind == 0);
                }
            }
        }
        Ok(())
    }

    fn print(&self, name: &str) {
        let mean = |kind: usize| self.durations[kind] / self.counts[kind].max(1) as f64;
        let of_long = |kind: usize| 100.0 * self.long_with[kind] as f64 / self.long.max(1) as f64;
        let of_lines = |count: usize| 100.0 * count as f64 / self.lines.max(1) as f64;
        let figure = |of: fn(&LyricsFit) -> f64| {
            let mut all: Vec<f64> = self.fits.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            let mean = all.iter().sum::<f64>() / all.len().max(1) as f64;
            format!("{mean:.3} (5 % below {:.2}, least {:.2})", all[all.len() / 20], all[0])
        };
        println!("{name}: {} songs, {:.3} s each", self.fits.len(), self.seconds / self.fits.len().max(1) as f64);
        println!(
            "  note by median of its line: weak {:.3}, function {:.3}, unstressed {:.3}, stressed {:.3}",
            mean(0),
            mean(1),
            mean(2),
            mean(3)
        );
        println!(
            "  long notes: weak {:.1} %, function {:.1} %, unstressed {:.1} %, stressed {:.1} %; longest of a line: unstressed {:.1} %, weak {:.1} %",
            of_long(0),
            of_long(1),
            of_long(2),
            of_long(3),
            of_lines(self.longest_unstressed),
            of_lines(self.longest_weak)
        );
        println!(
            "  content words a line {:.2}; lines without {:.2} %; different lines {} of {}, most often {}",
            self.content as f64 / self.lines.max(1) as f64,
            of_lines(self.empty),
            self.texts.len(),
            self.lines,
            self.texts.values().max().unwrap_or(&0)
        );
        println!("  stress {}", figure(|f| f.stress_match));
        println!("  rhyme {}", figure(|f| f.rhyme_share));
        println!("  near rhyme {}", figure(|f| f.near_rhyme_share));
        println!("  prompt words {}", figure(|f| f.prompt_words_kept));
        println!(
            "  the quality gate would refuse: stress {}, rhyme {}, prompt {}; {} even after three takes",
            self.refused[0], self.refused[1], self.refused[2], self.lost
        );
        println!("  distinct words {}", figure(|f| f.distinct_words));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let seeds: u64 = arguments.first().map_or(Ok(8), |n| n.parse())?;
    let with_songs = arguments.iter().any(|a| a == "songs");
    let only: HashSet<&String> = arguments.iter().skip(1).filter(|a| *a != "songs").collect();
    let melodies = melodies()?;
    for (language, prompts) in ["en", "es"].into_iter().zip(PROMPTS) {
        let mut groups: Vec<(&str, Sums)> = Vec::new();
        for (index, (name, melody)) in melodies.iter().enumerate() {
            let group = name.split(' ').next().unwrap_or(name);
            if !only.is_empty() && !only.contains(&group.to_owned()) && !only.contains(&language.to_owned()) {
                continue;
            }
            if groups.last().is_none_or(|(last, _)| *last != group) {
                groups.push((group, Sums::default()));
            }
            for (number, prompt) in prompts.into_iter().enumerate() {
                for seed in 0..seeds {
                    let request = LyricsRequest {
                        prompt: prompt.into(),
                        seed: seed * 100 + (index * prompts.len() + number) as u64,
                        language: language.into(),
                        ..LyricsRequest::default()
                    };
                    let start = Instant::now();
                    let written = lyrics_of(melody, &request)?;
                    let seconds = start.elapsed().as_secs_f64();
                    let Some((_, sums)) = groups.last_mut() else { continue };
                    sums.seconds += seconds;
                    let first = refusals(&lyrics::lyrics_fit(&written, melody, &request));
                    (0..3).for_each(|check| sums.refused[check] += usize::from(first[check]));
                    if first.contains(&true) {
                        let mut takes = vec![written.text()];
                        let mut all_refused = true;
                        for take in 1..3u64 {
                            let again = LyricsRequest { seed: request.seed + 1_000_000 * take, ..request.clone() };
                            let written = lyrics_of(melody, &again)?;
                            all_refused &= refusals(&lyrics::lyrics_fit(&written, melody, &again)).contains(&true);
                            takes.push(written.text());
                        }
                        if all_refused {
                            sums.lost += 1;
                            println!("-- refused {first:?}: {prompt} ({name})\n{}", takes.join("/\n"));
                        }
                    }
                    sums.add(&written, melody, &request)?;
                    if with_songs && seed == 0 {
                        println!("-- {prompt} ({name})\n{}\n{}", written.title, written.text_with_sections());
                    }
                }
            }
        }
        for (name, sums) in &groups {
            sums.print(&format!("{language} {name}"));
        }
    }
    Ok(())
}

fn lyrics_of(melody: &Melody, request: &LyricsRequest) -> Result<Lyrics, Box<dyn Error>> {
    Ok(lyrics::write_lyrics(melody, request)?)
}
