//! Reads a style's table.

use std::collections::BTreeMap;

use music::{Meter, Mode};

use super::{
    Harmony, Numeral, Scale, Slot, Spec, SwingUnit, Voicing,
    pattern::{self, Hit, Lanes, Line, Stroke},
};
use crate::{error::ComposeError, role::Role, style::Style};

/// Reads a table.
///
/// # Errors
///
/// [`ComposeError::Style`] with the line that makes no sense.
pub fn read(style: Style, text: &str) -> Result<Spec, ComposeError> {
    let mut table = Table { spec: empty(style), lanes: None };
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        table.line(line).map_err(|problem| ComposeError::Style { style: style.name(), line: number + 1, problem })?;
    }
    Ok(table.spec)
}

struct Table {
    spec: Spec,
    /// The slot whose drums follow, line by line.
    lanes: Option<Slot>,
}

fn empty(style: Style) -> Spec {
    Spec {
        style,
        tempo: (90.0, 110.0, 130.0),
        meter: Meter::FourFour,
        steps_per_beat: 4,
        swing: 1.0,
        swing_unit: SwingUnit::Eighths,
        human: (6.0, 6.0),
        mode: Mode::Major,
        other_mode_share: 0.2,
        hold: (1.6, 3.0),
        density: (3.0, 6.0),
        leap_share: 0.2,
        scale: Scale::Diatonic,
        unit: 8,
        crash: 84,
        voicing: Voicing::Close,
        strum_ms: 0.0,
        octaves: false,
        builds: false,
        crescendo: 0.0,
        registers: [(67, 84), (52, 68), (50, 66), (28, 45), (0, 127)],
        programs: Default::default(),
        volumes: [104, 84, 66, 100, 96],
        major: Harmony::default(),
        minor: Harmony::default(),
        drums: BTreeMap::new(),
        bass: BTreeMap::new(),
        comping: BTreeMap::new(),
        pad: BTreeMap::new(),
        rhythms: Vec::new(),
        closes: Vec::new(),
    }
}

fn numbers<const N: usize>(text: &str) -> Result<[f64; N], String> {
    let found: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    found.try_into().map_err(|_| format!("expected {N} numbers, not \"{text}\""))
}

fn role(name: &str) -> Result<Role, String> {
    Role::ALL.into_iter().find(|role| role.name() == name).ok_or_else(|| format!("there is no part \"{name}\""))
}

fn slot(name: &str) -> Result<Slot, String> {
    Slot::ALL.into_iter().find(|slot| slot.name() == name).ok_or_else(|| format!("there is no slot \"{name}\""))
}

fn words(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(first, rest)| (first, rest.trim()))
}

impl Table {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.starts_with(' ') {
            return self.lane(line.trim());
        }
        self.lanes = None;
        let (name, rest) = words(line);
        let spec = &mut self.spec;
        match name {
            "tempo" => spec.tempo = numbers::<3>(rest)?.into(),
            "meter" => {
                spec.meter = match rest {
                    "4/4" => Meter::FourFour,
                    "3/4" => Meter::ThreeFour,
                    _ => return Err(format!("no meter \"{rest}\"")),
                };
            }
            "grid" => {
                let [steps] = numbers::<1>(rest)?;
                spec.steps_per_beat = steps as u32;
            }
            "swing" => {
                let (ratio, unit) = words(rest);
                [spec.swing] = numbers::<1>(ratio)?;
                spec.swing_unit = if unit == "sixteenths" { SwingUnit::Sixteenths } else { SwingUnit::Eighths };
            }
            "human" => spec.human = numbers::<2>(rest)?.into(),
            "mode" => {
                let (mode, share) = words(rest);
                spec.mode = if mode == "minor" { Mode::Minor } else { Mode::Major };
                [spec.other_mode_share] = numbers::<1>(share)?;
            }
            "hold" => spec.hold = numbers::<2>(rest)?.into(),
            "density" => spec.density = numbers::<2>(rest)?.into(),
            "leaps" => [spec.leap_share] = numbers::<1>(rest)?,
            "scale" => {
                spec.scale = match rest {
                    "diatonic" => Scale::Diatonic,
                    "pentatonic" => Scale::Pentatonic,
                    "blues" => Scale::Blues,
                    _ => return Err(format!("no scale \"{rest}\"")),
                };
            }
            "unit" => {
                let [bars] = numbers::<1>(rest)?;
                spec.unit = bars as u32;
            }
            "crash" => {
                let [velocity] = numbers::<1>(rest)?;
                spec.crash = velocity as u8;
            }
            "voicing" => {
                spec.voicing = match rest {
                    "close" => Voicing::Close,
                    "rootless" => Voicing::Rootless,
                    "power" => Voicing::Power,
                    "wide" => Voicing::Wide,
                    _ => return Err(format!("no voicing \"{rest}\"")),
                };
            }
            "strum" => [spec.strum_ms] = numbers::<1>(rest)?,
            "octaves" => spec.octaves = true,
            "builds" => spec.builds = true,
            "crescendo" => [spec.crescendo] = numbers::<1>(rest)?,
            "register" => {
                let (name, range) = words(rest);
                let [low, high] = numbers::<2>(range)?;
                spec.registers[role(name)?.index()] = (low as u8, high as u8);
            }
            "play" => {
                let (name, programs) = words(rest);
                let programs = programs.split_whitespace().map(str::parse).collect::<Result<Vec<u8>, _>>();
                spec.programs[role(name)?.index()] = programs.map_err(|error| format!("a program: {error}"))?;
            }
            "volume" => {
                let (name, level) = words(rest);
                let [level] = numbers::<1>(level)?;
                spec.volumes[role(name)?.index()] = level as u8;
            }
            "major" | "minor" => {
                let harmony = if name == "major" { &mut spec.major } else { &mut spec.minor };
                progression(harmony, rest)?;
            }
            "drums" => {
                let slot = slot(rest)?;
                spec.drums.entry(slot).or_default().push(Lanes::default());
                self.lanes = Some(slot);
            }
            "bass" | "comping" | "pad" | "rhythm" | "close" => return self.strokes(name, rest),
            _ => return Err(format!("\"{name}\" says nothing here")),
        }
        Ok(())
    }

    fn steps(&self) -> usize {
        self.spec.steps_per_bar() as usize
    }

    /// Whole bars of letters; spaces and bar lines are for the eye.
    fn letters<T>(&self, text: &str, of: impl Fn(char) -> Option<T>) -> Result<Vec<T>, String> {
        let letters: Vec<char> = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '|').collect();
        if letters.is_empty() || !letters.len().is_multiple_of(self.steps()) {
            return Err(format!("{} steps are no whole bars of {}: {text}", letters.len(), self.steps()));
        }
        let read = |letter: &char| of(*letter).ok_or_else(|| format!("'{letter}' means nothing in {text}"));
        letters.iter().map(read).collect()
    }

    fn lane(&mut self, line: &str) -> Result<(), String> {
        let slot = self.lanes.ok_or("a line of drums outside of drums")?;
        let (name, steps) = words(line);
        let mut names = name.chars();
        let key = names.next().filter(|_| names.as_str().is_empty()).and_then(pattern::drum);
        let key = key.ok_or_else(|| format!("there is no drum \"{name}\""))?;
        let steps = self.letters(steps, Hit::of)?;
        let lanes = self.spec.drums.get_mut(&slot).and_then(|all| all.last_mut());
        lanes.ok_or("a line of drums outside of drums")?.0.push((key, steps));
        Ok(())
    }

    fn strokes(&mut self, name: &str, rest: &str) -> Result<(), String> {
        if matches!(name, "rhythm" | "close") {
            let line = Line(self.letters(rest, Line::chords)?);
            let (steps, spec) = (self.steps(), &mut self.spec);
            if line.0.len() != steps || !line.0.contains(&Stroke::Plain) {
                return Err("a rhythm of a melody is one bar of x, - and .".to_owned());
            }
            if name == "rhythm" {
                spec.rhythms.push(line)
            } else {
                spec.closes.push(line)
            }
            return Ok(());
        }
        let (at, steps) = words(rest);
        let slot = slot(at)?;
        // `walk` is a bass line that is made anew for its chords: an empty pattern.
        let line = match name {
            "bass" if steps == "walk" => Line(Vec::new()),
            "bass" => Line(self.letters(steps, Line::bass)?),
            _ => Line(self.letters(steps, Line::chords)?),
        };
        let spec = &mut self.spec;
        let part = match name {
            "bass" => &mut spec.bass,
            "comping" => &mut spec.comping,
            _ => &mut spec.pad,
        };
        part.entry(slot).or_default().push(line);
        Ok(())
    }
}

/// `A I V vi IV | ii,V I`: bars by spaces, two chords of a bar by a comma; bar lines are for the eye.
fn progression(harmony: &mut Harmony, rest: &str) -> Result<(), String> {
    let (name, bars) = words(rest);
    let bars = bars.split_whitespace().filter(|word| *word != "|").map(|bar| {
        let numerals = bar.split(',').map(|one| Numeral::parse(one).ok_or_else(|| format!("\"{one}\" is no numeral")));
        numerals.collect::<Result<Vec<_>, _>>()
    });
    let bars = bars.collect::<Result<Vec<_>, _>>()?;
    if bars.is_empty() {
        return Err("a progression without chords".to_owned());
    }
    match name {
        "intro" => harmony.intro.push(bars),
        "A" => harmony.a.push(bars),
        "B" => harmony.b.push(bars),
        "cadence" => harmony.cadence.push(bars),
        "last" => harmony.last.extend(bars.into_iter().flatten()),
        _ => return Err(format!("there is no progression for \"{name}\"")),
    }
    Ok(())
}
