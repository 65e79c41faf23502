//! Sings lines with each voice and says the same lines, for `xtask/benchmarks/sung_words.py` to listen to.
//!
//! `cargo run --release -p speech --example sung_words -- FOLDER [VOICE,VOICE…] [RECORDING.flac …]`
//! writes sound files and `manifest.json` into FOLDER. Melodies: the sample tune, made-up ones in several registers, and
//! those of the mono recordings named.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use lyrics::{LyricLine, Lyrics, LyricsRequest};
use music::{Key, Melody, MidiPitch, Mode, Note, Phrase};
use pitch::sample;
use speech::Flite;
use voice::{Expression, Register, Speaker, SpokenWord, SungVocal, Voice, VoiceOptions};

/// Steps above the tonic and seconds of each phrase of a made-up melody.
type Tune = &'static [&'static [(u8, f64)]];

const CALM: Tune = &[
    &[(0, 0.5), (2, 0.35), (4, 0.7), (5, 0.35), (4, 0.35), (2, 0.9)],
    &[(4, 0.4), (5, 0.4), (7, 0.6), (5, 0.3), (4, 0.3), (2, 0.4), (0, 1.0)],
    &[(7, 0.6), (7, 0.3), (9, 0.5), (7, 0.4), (4, 0.8)],
    &[(5, 0.4), (4, 0.4), (2, 0.4), (4, 0.5), (2, 0.4), (0, 1.2)],
];
const BRISK: Tune = &[
    &[(0, 0.28), (0, 0.28), (7, 0.35), (7, 0.28), (9, 0.28), (9, 0.28), (7, 0.6)],
    &[(5, 0.3), (5, 0.3), (4, 0.3), (4, 0.3), (2, 0.3), (2, 0.3), (0, 0.7)],
    &[(7, 0.3), (5, 0.3), (4, 0.3), (2, 0.3), (7, 0.4), (5, 0.3), (4, 0.6)],
    &[(0, 0.3), (2, 0.3), (4, 0.3), (5, 0.3), (4, 0.4), (2, 0.3), (0, 0.8)],
];
/// How many texts are written for each melody: a word more or less in a hundred is chance.
const TEXTS: usize = 2;
const PROMPTS: [&str; 4] =
    ["a walk by the sea at night", "my old friend comes home", "summer rain in the city", "stars"];

fn tune(tonic: u8, phrases: Tune) -> Melody {
    let (mut notes, mut spans, mut now) = (Vec::new(), Vec::new(), 0.5);
    for phrase in phrases {
        let start = notes.len();
        for &(step, seconds) in *phrase {
            let pitch = MidiPitch::new(tonic + step);
            notes.push(Note { onset_seconds: now, duration_seconds: seconds, pitch, cents: 0.0, velocity: 85 });
            now += seconds;
        }
        now += 0.45;
        spans.push(Phrase { start, end: notes.len() });
    }
    Melody {
        duration_seconds: now,
        notes,
        phrases: spans,
        key: Key { tonic: tonic % 12, mode: Mode::Major, confidence: 1.0 },
        tempo_bpm: 100.0,
        ..Melody::default()
    }
}

fn recording(path: &Path) -> Result<Melody, Box<dyn Error>> {
    let mut reader = claxon::FlacReader::open(path)?;
    let info = reader.streaminfo();
    let scale = 1.0 / (1i64 << (info.bits_per_sample - 1)) as f32;
    let samples = reader.samples().map(|s| s.map(|s| s as f32 * scale)).collect::<Result<Vec<f32>, _>>()?;
    Ok(pitch::extract_melody(&samples, info.sample_rate, &mut |_| {})?)
}

struct Song {
    name: String,
    melody: Melody,
    lyrics: Lyrics,
}

fn songs(recordings: &[String]) -> Result<Vec<Song>, Box<dyn Error>> {
    let hum = sample::hummed_tune();
    let mut melodies =
        vec![("sample".to_owned(), pitch::extract_melody(&hum.samples, hum.sample_rate_hz, &mut |_| {})?)];
    for (name, tonic, phrases) in
        [("calm-45", 45, CALM), ("brisk-52", 52, BRISK), ("calm-57", 57, CALM), ("brisk-60", 60, BRISK)]
    {
        melodies.push((name.to_owned(), tune(tonic, phrases)));
    }
    for path in recordings {
        let stem = Path::new(path).file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
        melodies.push((stem, recording(Path::new(path))?));
    }
    let mut songs = Vec::new();
    let texts =
        (0..TEXTS).flat_map(|text| melodies.iter().map(move |(name, melody)| (format!("{name}-{text}"), melody)));
    for (index, (name, melody)) in texts.enumerate() {
        let prompt = PROMPTS[index % PROMPTS.len()].to_owned();
        let request = LyricsRequest { prompt, seed: index as u64, ..LyricsRequest::default() };
        let lyrics = lyrics::write_lyrics(melody, &request)?;
        songs.push(Song { name, melody: melody.clone(), lyrics });
    }
    Ok(songs)
}

/// One line said: by the speaker, or by the formant voice on short notes that fall.
fn say(line: &LyricLine, voice: Voice, speaker: &Flite) -> Result<(Vec<f32>, u32), Box<dyn Error>> {
    if voice != Voice::Formant {
        let texts = lyrics::words_of(&line.text);
        let words: Vec<SpokenWord> = line
            .syllables
            .chunk_by(|a, b| a.word_index == b.word_index)
            .map(|s| SpokenWord {
                text: texts.get(s[0].word_index).cloned().unwrap_or_default(),
                phones: s.iter().flat_map(|s| s.phones.clone()).collect(),
            })
            .collect();
        let said = speaker.say(voice, &words)?;
        return Ok((said.samples, said.sample_rate_hz));
    }
    let count = line.syllables.len();
    let note = |i: usize| Note {
        onset_seconds: 0.3 + 0.21 * i as f64,
        duration_seconds: 0.21,
        pitch: MidiPitch::new(48 - (3 * i / count.max(1)) as u8),
        cents: 0.0,
        velocity: 85,
    };
    let mut melody = tune(45, &[]);
    melody.notes = (0..count).map(note).collect();
    melody.phrases = vec![Phrase { start: 0, end: count }];
    let mut line = line.clone();
    line.phrase = 0;
    line.syllables.iter_mut().enumerate().for_each(|(index, syllable)| syllable.note = index);
    let text = Lyrics { title: String::new(), lines: vec![line], language: "en".into() };
    let options = VoiceOptions { voice: Voice::Formant, register: Register::Low, ..VoiceOptions::default() };
    let sung = voice::sing(&melody, &text, &options, None, &mut |_| {})?;
    Ok((sung.samples, sung.sample_rate_hz))
}

fn write_wav(path: &Path, samples: &[f32], rate_hz: u32) -> Result<(), Box<dyn Error>> {
    let mut bytes = b"RIFF".to_vec();
    let length = 2 * samples.len() as u32;
    bytes.extend((36 + length).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(rate_hz.to_le_bytes());
    bytes.extend((2 * rate_hz).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend(length.to_le_bytes());
    bytes.extend(samples.iter().flat_map(|s| ((s.clamp(-1.0, 1.0) * 32_767.0).round() as i16).to_le_bytes()));
    Ok(fs::write(path, bytes)?)
}

/// First and last second of each line of a song.
fn times(lyrics: &Lyrics, sung: &SungVocal) -> Vec<(f64, f64)> {
    let mut first = 0;
    let mut times = Vec::new();
    for line in &lyrics.lines {
        let own = first..first + line.syllables.len();
        let mut sounds = sung.sounds.iter().filter(|sound| own.contains(&sound.syllable));
        let start = sounds.next().map_or(0.0, |sound| sound.start_seconds);
        let end = sounds.next_back().map_or(start, |sound| sound.end_seconds);
        times.push((start, end));
        first = own.end;
    }
    times
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let folder = PathBuf::from(args.first().ok_or("which folder?")?);
    let names = args.get(1).map_or("rms,slt,formant", String::as_str);
    let voices = names.split(',').map(str::parse::<Voice>).collect::<Result<Vec<_>, _>>()?;
    let flite = Flite::find().ok_or("flite is not installed (on Debian and Ubuntu: apt-get install flite)")?;
    fs::create_dir_all(&folder)?;
    let songs = songs(args.get(2..).unwrap_or_default())?;
    let mut entries = Vec::new();
    for voice in voices {
        for Song { name, melody, lyrics } in &songs {
            let expression = if melody.track.frames.is_empty() { Expression::Notes } else { Expression::Contour };
            let options = VoiceOptions { voice, expression, ..VoiceOptions::default() };
            let started = Instant::now();
            let sung = voice::sing(melody, lyrics, &options, Some(&flite), &mut |_| {})?;
            let seconds = started.elapsed().as_secs_f64();
            let wav = format!("{voice}-{name}.wav");
            write_wav(&folder.join(&wav), &sung.samples, sung.sample_rate_hz)?;
            let mut lines = Vec::new();
            for (index, (line, (start, end))) in lyrics.lines.iter().zip(times(lyrics, &sung)).enumerate() {
                let (samples, rate_hz) = say(line, voice, &flite)?;
                let spoken = format!("{voice}-{name}-{index}.wav");
                write_wav(&folder.join(&spoken), &samples, rate_hz)?;
                lines.push(serde_json::json!({ "text": line.text, "start": start, "end": end, "spoken": spoken }));
            }
            let pitch = pitch::pitch_agreement(&sung.samples, sung.sample_rate_hz, &sung.target);
            let onsets: Vec<f64> = sung.sounds.iter().filter(|s| s.is_vowel).map(|s| s.start_seconds).collect();
            let vowels = voice::vowel_onset_error(&sung.samples, sung.sample_rate_hz, &onsets);
            let sounds = sung.sounds.iter().map(|s| (s.phone, s.start_seconds, s.end_seconds));
            entries.push(serde_json::json!({
                "voice": voice, "song": name, "wav": wav, "lines": lines, "pitch": pitch,
                "octave_shift": sung.octave_shift, "vowel_onsets": vowels, "seconds_to_sing": seconds,
                "sounds": sounds.collect::<Vec<_>>(),
            }));
            println!(
                "{voice:8} {name:12} {:5.1} s of song in {seconds:4.1} s, pitch within 50 cents {:.3}, median {:.1}; vowels off by {:.0} ms (9 in 10 by {:.0})",
                sung.samples.len() as f64 / f64::from(sung.sample_rate_hz),
                pitch.within_50,
                pitch.median_cents,
                vowels.median_ms,
                vowels.p90_ms
            );
        }
    }
    let manifest = serde_json::to_vec_pretty(&serde_json::json!({ "songs": entries }))?;
    Ok(fs::write(folder.join("manifest.json"), manifest)?)
}
