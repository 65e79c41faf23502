//! The words of a song with their times, as players show them (LRC: a line each, `[mm:ss.xx]` before it).

use music::Score;

/// `None` for a song without words.
pub fn lrc(score: &Score) -> Option<String> {
    let mut lines: Vec<(f64, String)> = Vec::new();
    let mut is_open = false;
    for syllable in &score.lyrics {
        for (index, piece) in syllable.text.split('\n').enumerate() {
            is_open &= index == 0;
            if piece.trim().is_empty() && !is_open {
                continue;
            }
            match lines.last_mut() {
                Some((_, line)) if is_open => line.push_str(piece),
                _ => lines.push((score.seconds_at(syllable.at), piece.to_owned())),
            }
            is_open = true;
        }
    }
    let out: String = lines.into_iter().map(|(seconds, line)| lrc_line(seconds, &line)).collect();
    (!out.is_empty()).then_some(out)
}

/// One line, with its end.
pub fn lrc_line(seconds: f64, line: &str) -> String {
    let hundredths = (seconds.max(0.0) * 100.0).round() as u64;
    let (minutes, rest) = (hundredths / 6_000, hundredths % 6_000);
    let line: String = line.trim().chars().filter(|c| !c.is_control()).collect();
    format!("[{minutes:02}:{:02}.{:02}]{line}\n", rest / 100, rest % 100)
}

#[cfg(test)]
mod tests {
    use music::score::{MeterChange, Score, TempoChange, Text};

    use super::*;

    fn score(lyrics: &[(u64, &str)]) -> Score {
        Score {
            ticks_per_quarter: 480,
            title: String::new(),
            tempos: vec![TempoChange { at: 0, micros_per_quarter: 500_000 }],
            meters: vec![MeterChange { at: 0, beats: 4, unit: 4 }],
            meter_is_given: true,
            key_signatures: Vec::new(),
            parts: Vec::new(),
            lyrics: lyrics.iter().map(|&(at, text)| Text { at, text: text.to_owned() }).collect(),
            markers: Vec::new(),
            end: 480_000,
        }
    }

    #[test]
    fn syllables_become_lines_with_times() {
        let words = score(&[(480, "Sum"), (720, "mer "), (960, "nights"), (1_920, "\nare "), (2_880, "warm\n")]);
        assert_eq!(lrc(&words).unwrap(), "[00:00.50]Summer nights\n[00:02.00]are warm\n");
        let late = score(&[(480 * 2 * 61, "late")]);
        assert_eq!(lrc(&late).unwrap(), "[01:01.00]late\n");
        assert_eq!(lrc(&score(&[])), None);
        assert_eq!(lrc(&score(&[(0, " \n ")])), None);
    }
}
