//! Prints lyrics for a row of prompts: what a listener would read.
use engine::{lyrics::LyricsRequest, write_lyrics};
use music::{Key, Melody, MidiPitch, Mode, Note, Phrase, PitchTrack};

fn melody(counts: &[usize]) -> Melody {
    let (mut notes, mut phrases, mut now) = (Vec::new(), Vec::new(), 0.5);
    for &count in counts {
        let start = notes.len();
        for i in 0..count {
            let seconds = if i % 2 == 1 || i + 1 == count { 0.6 } else { 0.3 };
            notes.push(Note {
                onset_seconds: now,
                duration_seconds: seconds - 0.03,
                pitch: MidiPitch::new(55 + (i * 2 % 9) as u8),
                cents: 0.0,
                velocity: 80,
            });
            now += seconds;
        }
        now += 0.5;
        phrases.push(Phrase { start, end: notes.len() });
    }
    Melody {
        duration_seconds: now,
        track: PitchTrack { hop_seconds: 0.01, frames: Vec::new() },
        notes,
        phrases,
        key: Key { tonic: 0, mode: Mode::Major, confidence: 1.0 },
        tempo_bpm: 100.0,
        ..Melody::default()
    }
}

fn main() {
    let english = [
        "home by the sea",
        "a sad song about losing a friend in winter",
        "robots dancing in Tokyo",
        "rock anthem about freedom on the highway",
        "lullaby for my baby daughter",
        "happy summer pop song",
        "grandmother's kitchen in the rain",
        "space and stars",
        "jazz night in the city",
        "",
    ];
    let spanish = [
        "una canción triste sobre el mar",
        "rock de la libertad",
        "mi abuela y su jardín",
        "nana para mi niña",
        "fiesta de verano",
        "amor en Madrid",
        "",
    ];
    let shapes: [&[usize]; 4] = [
        &[6, 7, 6, 7, 8, 6, 8, 6],
        &[5, 7, 6, 6, 6, 5, 6, 6, 6, 6],
        &[8, 8, 8, 8, 10, 7, 10, 7, 8, 8, 8, 8, 10, 7, 10, 7],
        &[4, 3, 9, 11, 2, 12, 1, 5],
    ];
    for (language, prompts) in [("en", &english[..]), ("es", &spanish[..])] {
        for (i, prompt) in prompts.iter().enumerate() {
            let request = LyricsRequest {
                prompt: (*prompt).into(),
                seed: i as u64,
                language: language.into(),
                ..Default::default()
            };
            let lyrics = write_lyrics(&melody(shapes[i % 4]), &request).expect("lyrics");
            println!("== {prompt}  «{}»\n{}", lyrics.title, lyrics.text_with_sections());
        }
    }
}
