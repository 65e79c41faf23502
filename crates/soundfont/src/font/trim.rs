//! What of a font a song needs: the zones that its keys and velocities reach.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    generator,
    riff::Flaw,
    samples::Samples,
    tables::{PresetId, SampleHeader, Tables, Zone},
};

/// Keys and velocities that each preset is asked for.
pub(crate) type Used = BTreeMap<PresetId, BTreeSet<(u8, u8)>>;

/// How far the player may raise a note beyond what the font says, in semitones: by the wheel, by coarse and fine tuning,
/// and by the depth of the modulation wheel.
const RAISED_SEMITONES: f64 =
    crate::limits::MOST_BEND_SEMITONES as f64 + crate::limits::MOST_COARSE_SEMITONES as f64 + 1.0 + 0.5;

/// The filter's cutoff at which it is open (8.1.3), and one that the player takes for no filter at all: an open one would
/// cost a third of its time, and some of the highs.
const FILTER_OPEN: i16 = 13_500;
const FILTER_OFF: i16 = 16_000;
/// A frequency of the modulation oscillator at which the player leaves it out (below 1 mHz), in cents over 8.176 Hz.
const LFO_OFF: i16 = -16_000;

/// A zone of a preset and the notes that reach an instrument by it.
type Reaching<'a> = (&'a Zone, BTreeSet<(u8, u8)>);

/// A preset and what is left of it; zones name instruments of the selection.
pub(crate) struct Selected {
    pub(crate) id: PresetId,
    pub(crate) name: String,
    pub(crate) zones: Vec<Zone>,
}

/// What is left of a font.
pub(crate) struct Selection {
    pub(crate) presets: Vec<Selected>,
    /// Zones name sample headers of the selection.
    pub(crate) instruments: Vec<Vec<Zone>>,
    /// Zones whose samples cannot be played.
    pub(crate) unplayable: usize,
}

/// Takes the zones that are used, and their samples.
pub(crate) fn select(
    tables: &Tables,
    used: &Used,
    sample_rate_hz: u32,
    samples: &mut Samples<'_>,
) -> Result<Selection, Flaw> {
    // The notes that reach each instrument, and by which zones of presets.
    let mut reached: BTreeMap<u16, Vec<Reaching<'_>>> = BTreeMap::new();
    for (id, notes) in used {
        let Some(preset) = tables.presets.get(id) else { continue };
        for zone in &preset.zones {
            let notes: BTreeSet<_> = notes.iter().copied().filter(|note| zone.contains(note.0, note.1)).collect();
            if !notes.is_empty() {
                reached.entry(zone.target).or_default().push((zone, notes));
            }
        }
    }
    let (mut instruments, mut numbers, mut unplayable) = (Vec::new(), BTreeMap::new(), 0);
    for (number, reaching) in &reached {
        let mut zones = Vec::new();
        for zone in &tables.instruments[usize::from(*number)] {
            let header = &tables.samples[usize::from(zone.target)];
            let Some(top_step) = top_step(zone, header, reaching, sample_rate_hz) else { continue };
            match samples.add(header, zone, top_step)? {
                Some((sample, repeats)) => {
                    let mut placed = placed(zone, sample, repeats);
                    leave_out_idle_units(&mut placed, reaching);
                    zones.push(placed);
                }
                None => unplayable += 1,
            }
        }
        if !zones.is_empty() {
            numbers.insert(*number, instruments.len() as u16);
            instruments.push(zones);
        }
    }
    let mut presets = Vec::new();
    for (id, notes) in used {
        let Some(preset) = tables.presets.get(id) else { continue };
        let is_reached = |zone: &&Zone| notes.iter().any(|note| zone.contains(note.0, note.1));
        let zones: Vec<Zone> = preset
            .zones
            .iter()
            .filter(is_reached)
            .filter_map(|zone| numbers.get(&zone.target).map(|number| Zone { target: *number, ..zone.clone() }))
            .collect();
        if !zones.is_empty() {
            presets.push(Selected { id: *id, name: preset.name.clone(), zones });
        }
    }
    Ok(Selection { presets, instruments, unplayable })
}

/// The zone with its sample's new number; its offsets are part of the sample's header.
fn placed(zone: &Zone, sample: u16, repeats: bool) -> Zone {
    let mut zone = Zone { target: sample, ..zone.clone() };
    zone.generators.retain(|number, _| !generator::ADDRESSES.contains(number));
    if !repeats {
        zone.generators.remove(&generator::SAMPLE_MODES);
    }
    zone
}

/// Tells the player to do without a filter that is open and stays so, and without an oscillator that moves nothing,
/// whichever preset plays the zone.
fn leave_out_idle_units(zone: &mut Zone, reaching: &[Reaching<'_>]) {
    let sum = |preset: &Zone, number: u16, default: i16| {
        i32::from(zone.get(number).unwrap_or(default)) + i32::from(preset.get(number).unwrap_or(0))
    };
    let idle =
        |numbers: &[u16]| reaching.iter().all(|(preset, _)| numbers.iter().all(|number| sum(preset, *number, 0) == 0));
    let is_open =
        reaching.iter().all(|(preset, _)| sum(preset, generator::FILTER_CUTOFF, FILTER_OPEN) >= FILTER_OPEN.into());
    let is_unfiltered = is_open
        && idle(&[generator::FILTER_Q, generator::MODULATION_LFO_TO_FILTER, generator::MODULATION_ENVELOPE_TO_FILTER]);
    let is_still = idle(&[
        generator::MODULATION_LFO_TO_PITCH,
        generator::MODULATION_LFO_TO_FILTER,
        generator::MODULATION_LFO_TO_VOLUME,
    ]) && reaching.iter().all(|(preset, _)| preset.get(generator::MODULATION_LFO_FREQUENCY).is_none());
    if is_unfiltered {
        zone.generators.insert(generator::FILTER_CUTOFF, FILTER_OFF);
    }
    if is_still {
        zone.generators.insert(generator::MODULATION_LFO_FREQUENCY, LFO_OFF);
    }
}

/// How many frames of its sample the zone plays at most for a frame of output; `None` when no note reaches it.
fn top_step(zone: &Zone, header: &SampleHeader, reaching: &[Reaching<'_>], sample_rate_hz: u32) -> Option<f64> {
    let own = |number: u16, default: i16| f64::from(zone.get(number).unwrap_or(default));
    let root = match zone.get(generator::ROOT_KEY) {
        Some(root) if root >= 0 => f64::from(root),
        _ => f64::from(header.root_key),
    };
    let mut highest = None;
    for (preset, notes) in reaching {
        let both = |number: u16, default: i16| own(number, default) + f64::from(preset.get(number).unwrap_or(0));
        let swing: f64 = [
            generator::MODULATION_LFO_TO_PITCH,
            generator::VIBRATO_LFO_TO_PITCH,
            generator::MODULATION_ENVELOPE_TO_PITCH,
        ]
        .iter()
        .map(|number| both(*number, 0).abs() / 100.0)
        .sum();
        let scale = both(generator::SCALE_TUNING, 100) / 100.0;
        let tune = both(generator::COARSE_TUNE, 0)
            + (both(generator::FINE_TUNE, 0) + f64::from(header.correction_cents)) / 100.0;
        let raised = RAISED_SEMITONES + swing;
        for (key, _) in notes.iter().filter(|note| zone.contains(note.0, note.1)) {
            let reach = f64::from(*key) - root;
            let semitones = (scale * (reach + raised)).max(scale * (reach - raised)) + tune;
            let step = f64::from(header.rate_hz) / f64::from(sample_rate_hz.max(1)) * (semitones / 12.0).exp2();
            highest = Some(step.max(highest.unwrap_or(0.0)));
        }
    }
    highest
}
