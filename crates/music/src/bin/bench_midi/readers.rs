//! What three readers find in a file, in one form.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use music::smf::{self, Limits};

use crate::Failure;

/// Onset in ticks, channel and pitch.
pub type Onset = (u64, u8, u8);

#[derive(PartialEq, Debug, Default)]
pub struct Found {
    /// With durations in ticks, in order.
    pub notes: Vec<(Onset, u64)>,
    /// The same as a score has them: of two equal pitches at once in one channel of a track the first ends where the
    /// second begins, two that begin together are one, and all are at least a tick long.
    pub parted: Vec<(Onset, u64)>,
    /// Ticks and microseconds to the quarter.
    pub tempos: Vec<(u64, u32)>,
    /// Where the last note ends.
    pub seconds: f64,
}

impl Found {
    pub fn onsets(&self) -> Vec<Onset> {
        self.notes.iter().map(|(onset, _)| *onset).collect()
    }
}

/// Ours.
pub fn ours(bytes: &[u8]) -> Option<Found> {
    let score = smf::read(bytes, &Limits::default()).ok()?.score;
    let mut found = Found::default();
    for part in &score.parts {
        found.notes.extend(part.notes.iter().map(|note| ((note.onset, part.channel, note.pitch), note.duration)));
    }
    found.notes.sort_unstable();
    found.parted = found.notes.clone();
    found.tempos = score.tempos.iter().map(|tempo| (tempo.at, tempo.micros_per_quarter)).collect();
    let last = found.notes.iter().map(|((onset, ..), duration)| onset + duration).max();
    found.seconds = score.seconds_at(last.unwrap_or(0));
    Some(found)
}

/// Events of other readers, made to notes: ends belong to starts in turn, and what nothing ends has no length.
#[derive(Default)]
struct Events {
    /// Track, tick, channel, key, whether a start.
    strokes: Vec<(usize, u64, u8, u8, bool)>,
    tempos: Vec<(u64, u32)>,
    ticks_per_quarter: f64,
}

impl Events {
    fn found(mut self) -> Found {
        let (mut notes, mut tracks) = (Vec::new(), Vec::new());
        let mut open: std::collections::BTreeMap<(usize, u8, u8), VecDeque<usize>> = Default::default();
        for (track, at, channel, key, starts) in self.strokes {
            let sounding = open.entry((track, channel, key)).or_default();
            if starts {
                sounding.push_back(notes.len());
                notes.push(((at, channel, key), 0));
                tracks.push(track);
            } else if let Some(((onset, ..), duration)) = sounding.pop_front().and_then(|index| notes.get_mut(index)) {
                *duration = at - *onset;
            }
        }
        let parted = parted(&tracks, &notes);
        notes.sort_unstable();
        self.tempos.insert(0, (0, 500_000));
        self.tempos.sort_by_key(|(at, _)| *at);
        let mut tempos: Vec<(u64, u32)> = Vec::new();
        for tempo in self.tempos {
            tempos.pop_if(|last| last.0 == tempo.0);
            tempos.push(tempo);
        }
        let last = notes.iter().map(|((onset, ..), duration)| onset + duration).max().unwrap_or(0);
        let mut seconds = 0.0;
        for (index, (at, micros)) in tempos.iter().enumerate() {
            let until = tempos.get(index + 1).map_or(last, |next| next.0.min(last));
            seconds += until.saturating_sub(*at) as f64 * f64::from(*micros) / 1e6 / self.ticks_per_quarter;
        }
        Found { notes, parted, tempos, seconds }
    }
}

fn parted(tracks: &[usize], notes: &[(Onset, u64)]) -> Vec<(Onset, u64)> {
    let mut of_keys: Vec<(usize, u8, u8, u64, u64)> = Vec::with_capacity(notes.len());
    let fields = |(track, ((onset, channel, key), duration)): (&usize, &(Onset, u64))| {
        (*track, *channel, *key, *onset, (*duration).max(1))
    };
    let mut sorted: Vec<_> = tracks.iter().zip(notes).map(fields).collect();
    sorted.sort_unstable();
    for note in sorted {
        if let Some(before) = of_keys.last_mut().filter(|b| (b.0, b.1, b.2) == (note.0, note.1, note.2)) {
            if before.3 == note.3 {
                before.4 = before.4.max(note.4);
                continue;
            }
            before.4 = before.4.min(note.3 - before.3);
        }
        of_keys.push(note);
    }
    let mut parted: Vec<_> =
        of_keys.into_iter().map(|(_, channel, key, onset, d)| ((onset, channel, key), d)).collect();
    parted.sort_unstable();
    parted
}

/// midly as it is by default: lenient, and silent about it.
pub fn midly(bytes: &[u8]) -> Option<Found> {
    use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};
    let smf = Smf::parse(bytes).ok()?;
    let Timing::Metrical(ticks) = smf.header.timing else { return None };
    let mut events = Events { ticks_per_quarter: f64::from(ticks.as_int()), ..Events::default() };
    for (index, track) in smf.tracks.iter().enumerate() {
        let mut at = 0;
        for event in track {
            at += u64::from(event.delta.as_int());
            match event.kind {
                TrackEventKind::Midi { channel, message: MidiMessage::NoteOn { key, vel } } => {
                    events.strokes.push((index, at, channel.as_int(), key.as_int(), vel > 0));
                }
                TrackEventKind::Midi { channel, message: MidiMessage::NoteOff { key, .. } } => {
                    events.strokes.push((index, at, channel.as_int(), key.as_int(), false));
                }
                TrackEventKind::Meta(MetaMessage::Tempo(tempo)) => events.tempos.push((at, tempo.as_int())),
                _ => {}
            }
        }
    }
    Some(events.found())
}

/// mido in a Python of its own, which reads file after file.
pub struct Mido {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Mido {
    pub fn start(python: &Path, script: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(python);
        command.arg(script).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (input, output) = child.stdin.take().zip(child.stdout.take()).ok_or("no pipes to Python")?;
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    /// What mido finds, if it does not refuse the file, and its seconds for that.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(Option<Found>, f64), Failure> {
        self.input.write_all(&(bytes.len() as u32).to_le_bytes())?;
        self.input.write_all(bytes)?;
        self.input.flush()?;
        let mut events = Events::default();
        let mut line = String::new();
        loop {
            line.clear();
            if self.output.read_line(&mut line)? == 0 {
                return Err("Python ended".into());
            }
            let mut words = line.split_whitespace();
            let kind = words.next().unwrap_or_default().to_owned();
            let numbers: Vec<f64> = words.map(str::parse).collect::<Result<_, _>>()?;
            match (kind.as_str(), numbers.as_slice()) {
                ("note", [track, at, channel, key, starts]) => {
                    events.strokes.push((*track as usize, *at as u64, *channel as u8, *key as u8, *starts > 0.0));
                }
                ("tempo", [at, micros]) => events.tempos.push((*at as u64, *micros as u32)),
                ("read", [ticks, seconds]) => {
                    events.ticks_per_quarter = *ticks;
                    return Ok((Some(events.found()), *seconds));
                }
                ("refused", [seconds]) => return Ok((None, *seconds)),
                _ => return Err(format!("Python said {line:?}").into()),
            }
        }
    }
}

impl Drop for Mido {
    fn drop(&mut self) {
        // It ends by itself when its input does; whether it can still be killed makes no difference.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
