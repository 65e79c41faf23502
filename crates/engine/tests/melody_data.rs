//! The tracker and the note finder against recordings with known pitch.

mod common;

use engine::f0;
use music::{Note, hz_to_midi};

#[test]
fn pitch_of_real_and_resynthesised_voices() {
    let Some(folder) = common::shared_data() else { return };
    let files = [
        ("vocadito_1.flac", "vocadito_1_f0.csv"),
        ("vocadito_10.wav", "vocadito_10_pseudo_f0.csv"),
        ("singing_female.wav", "singing_female_pseudo_f0.csv"),
        ("speech_male.wav", "speech_male_pseudo_f0.csv"),
        ("resyn_voc10.flac", "resyn_voc10_f0.csv"),
        ("resyn_arctic.flac", "resyn_arctic_f0.csv"),
        ("resyn_libri.flac", "resyn_libri_f0.csv"),
        ("tone_clean.flac", "tone_clean_f0.csv"),
        ("tone_clip.flac", "tone_clip_f0.csv"),
        ("tone_hum.flac", "tone_hum_f0.csv"),
        ("tone_noise5.flac", "tone_noise5_f0.csv"),
        ("tone_phone_male.flac", "tone_phone_male_f0.csv"),
    ];
    let mut sum=[0.0;3];
    for (audio, truth) in files {
        let (samples, rate) = common::read_audio(&folder.join(audio));
        let rows = common::read_csv(&folder.join(truth));
        let begun = std::time::Instant::now();
        let track = f0::track(&samples, rate);
        let speed = samples.len() as f64 / f64::from(rate) / begun.elapsed().as_secs_f64();
        let seconds = rows[rows.len() - 1][0];
        let figures = common::score(seconds, |time| common::truth_at(&rows, time), &track);
        sum[0] += figures.raw_pitch; sum[1] += figures.overall; sum[2]+=figures.voicing_recall; if audio.starts_with("vocadito_1.") {print!("VOC {figures} ")}
        if std::env::var_os("Q").is_none() { println!("{audio:22} {figures}  {speed:5.0} x real time"); }
    }
    println!("MEAN RPA {:.2} OA {:.2} VR {:.2}", sum[0]/12., sum[1]/12., sum[2]/12.);
}

#[test]
fn noise() {
    let Some(folder) = common::shared_data() else { return };
    let (w, r) = common::read_audio(&folder.join("../variants/white_noise_2s.wav"));
    let t = f0::track(&w, r);
    let v = |t: &music::PitchTrack| 100.0 * t.frames.iter().filter(|f| f.voiced).count() as f64 / t.frames.len() as f64;
    let mut seed = 1u64;
    let mut rnd = || { seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17; (seed >> 11) as f64 / (1u64 << 53) as f64 - 0.5 };
    let white: Vec<f32> = (0..16000 * 30).map(|_| rnd() as f32 * 0.3).collect();
    let mut y = 0.0f32; let brown: Vec<f32> = (0..16000 * 30).map(|_| { y = 0.999 * y + rnd() as f32 * 0.05; y }).map(|x| x as f32).collect();
    let (mut b0, mut b1, mut b2) = (0.0, 0.0, 0.0);
    let pink: Vec<f32> = (0..16000 * 30).map(|_| { let w = rnd(); b0 = 0.99765 * b0 + w * 0.0990460; b1 = 0.96300 * b1 + w * 0.2965164; b2 = 0.57000 * b2 + w * 1.0526913; (0.1 * (b0 + b1 + b2 + w * 0.1848)) as f32 }).collect();
    println!("NOISE file {:.2} white {:.2} brown {:.2} pink {:.2}", v(&t), v(&f0::track(&white, 16000)), v(&f0::track(&brown, 16000)), v(&f0::track(&pink, 16000)));
}

/// F1 of note onsets (±100 ms) and pitches (±50 cents), as `mir_eval.transcription` without offsets. Both lists are in
/// order, so the largest matching is a longest common subsequence.
fn note_f1(truth: &[(f64, f64)], found: &[Note]) -> f64 {
    let fits = |t: &(f64, f64), n: &Note| {
        (t.0 - n.onset_seconds).abs() <= 0.1 && (hz_to_midi(t.1) - n.sung_midi()).abs() <= 0.5
    };
    let mut best = vec![vec![0usize; found.len() + 1]; truth.len() + 1];
    for (i, t) in truth.iter().enumerate() {
        for (j, n) in found.iter().enumerate() {
            let matched = best[i][j] + usize::from(fits(t, n));
            best[i + 1][j + 1] = matched.max(best[i][j + 1]).max(best[i + 1][j]);
        }
    }
    2.0 * best[truth.len()][found.len()] as f64 / (truth.len() + found.len()) as f64
}

#[test]
fn notes_of_a_real_singer() {
    let Some(folder) = common::shared_data() else { return };
    let (samples, rate) = common::read_audio(&folder.join("vocadito_1.flac"));
    let melody = engine::extract_melody(&samples, rate, &mut |_| {}).expect("a melody");
    for annotator in ["vocadito_1_notesA1.csv", "vocadito_1_notesA2.csv"] {
        let rows = common::read_csv(&folder.join(annotator));
        let truth: Vec<(f64, f64)> = rows.iter().map(|row| (row[0], row[1])).collect();
        println!("{annotator}: {} notes, {} found, F1 {:.3}", truth.len(), melody.notes.len(), note_f1(&truth, &melody.notes));
        if std::env::var_os("V").is_some() { for t in &rows { let m = melody.notes.iter().find(|n| (t[0]-n.onset_seconds).abs()<=0.1 && (hz_to_midi(t[1]) - n.sung_midi()).abs() <= 0.5); println!("  {:.2} {:.2} {:.2} {}", t[0], t[2], hz_to_midi(t[1]), m.map_or("MISS".into(), |n| format!("{:.2}", n.onset_seconds))); }
        for n in &melody.notes { let m = rows.iter().find(|t| (t[0]-n.onset_seconds).abs()<=0.1 && (hz_to_midi(t[1]) - n.sung_midi()).abs() <= 0.5); println!("    found {:.2} {:.2} {:.2} v{} {}", n.onset_seconds, n.duration_seconds, n.sung_midi(), n.velocity, if m.is_some() {""} else {"EXTRA"}); } }
    }
    println!("key {} ({:.2}), {} bpm, phrases {:?}", melody.key, melody.key.confidence, melody.tempo_bpm, melody.phrases.iter().map(|p| p.note_count()).collect::<Vec<_>>());
}
