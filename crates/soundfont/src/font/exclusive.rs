//! Exclusive classes, made right for a player that lets the second zone of a note end the first.
//!
//! A new sound of a class ends the old one of the same class: a closed hi-hat ends the open one. The two sides of a stereo
//! sound are two zones of one class that begin together, and the player would keep only the last of them. So the n-th
//! zone that sounds for a note gets a class of its own, the same for all notes; and where a note has fewer zones than
//! another of its class, silent ones end what is left of the other.

use std::collections::BTreeMap;

use super::{generator, tables::Zone, trim::Selected};

/// In a tenth of a decibel; four tenths of it count. Nothing is left of a sound.
const SILENT: i16 = 10_000;

/// Gives zones that sound together classes that do not end each other.
pub(crate) fn split(presets: &mut [Selected], instruments: &mut Vec<Vec<Zone>>) {
    let layered = separate_layers(presets, instruments);
    let slots: Vec<Vec<Option<(i16, usize)>>> = instruments
        .iter()
        .enumerate()
        .map(|(index, zones)| slots(zones, layered.get(&index).copied().unwrap_or(0)))
        .collect();
    let mut counts: BTreeMap<i16, usize> = BTreeMap::new();
    for (class, slot) in slots.iter().flatten().flatten() {
        let count = counts.entry(*class).or_default();
        *count = (*count).max(slot + 1);
    }
    let mut numbers: BTreeMap<(i16, usize), i16> = BTreeMap::new();
    let pairs = counts.iter().flat_map(|(class, count)| (0..*count).map(|slot| (*class, slot)));
    for (pair, number) in pairs.zip(1..) {
        numbers.insert(pair, number);
    }
    for (index, zones) in instruments.iter_mut().enumerate() {
        let slots = &slots[index];
        let mut silent = Vec::new();
        if !layered.contains_key(&index) {
            for (zone, slot) in zones.iter().zip(slots) {
                let Some((class, own)) = slot else { continue };
                let count = counts.get(class).copied().unwrap_or(1);
                for missing in (0..count).filter(|missing| missing != own) {
                    let is_there = zones.iter().zip(slots).any(|(other, slot)| {
                        *slot == Some((*class, missing))
                            && within(zone.keys, other.keys)
                            && within(zone.velocities, other.velocities)
                    });
                    if !is_there {
                        silent.push(with_class(zone, numbers.get(&(*class, missing)).copied(), true));
                    }
                }
            }
        }
        for (zone, slot) in zones.iter_mut().zip(slots) {
            if let Some(pair) = slot {
                *zone = with_class(zone, numbers.get(pair).copied(), false);
            }
        }
        // The sounding ones come after, and take the place of silent ones of their own note.
        silent.append(zones);
        *zones = silent;
    }
}

fn within(inner: (u8, u8), outer: (u8, u8)) -> bool {
    outer.0 <= inner.0 && inner.1 <= outer.1
}

fn with_class(zone: &Zone, class: Option<i16>, is_silent: bool) -> Zone {
    let mut zone = zone.clone();
    zone.generators.insert(generator::EXCLUSIVE_CLASS, class.unwrap_or(0));
    if is_silent {
        zone.generators.insert(generator::ATTENUATION, SILENT);
    }
    zone
}

fn class(zone: &Zone) -> Option<i16> {
    zone.get(generator::EXCLUSIVE_CLASS).filter(|class| *class != 0)
}

/// The class of each zone that has one, and which of the zones of a note it is, from `base` on.
fn slots(zones: &[Zone], base: usize) -> Vec<Option<(i16, usize)>> {
    let mut slots: Vec<Option<(i16, usize)>> = Vec::new();
    for (index, zone) in zones.iter().enumerate() {
        let slot = class(zone).map(|class| {
            let taken = |slot: usize| {
                zones[..index]
                    .iter()
                    .zip(&slots)
                    .any(|(other, place)| *place == Some((class, slot)) && other.overlaps(zone))
            };
            (class, (base..).find(|slot| !taken(*slot)).unwrap_or(base))
        });
        slots.push(slot);
    }
    slots
}

/// Instruments of one preset that sound together and share a class: the later ones are copied for it, and their classes
/// count from after those of the earlier ones. Answers with the copies and where they count from.
fn separate_layers(presets: &mut [Selected], instruments: &mut Vec<Vec<Zone>>) -> BTreeMap<usize, usize> {
    let mut copies = BTreeMap::new();
    for preset in presets {
        let mut bases: Vec<usize> = Vec::new();
        for index in 0..preset.zones.len() {
            let zone = &preset.zones[index];
            let own = &instruments[usize::from(zone.target)];
            let shares = |other: &[Zone]| {
                own.iter().any(|zone| class(zone).is_some_and(|own| other.iter().any(|zone| class(zone) == Some(own))))
            };
            let below = preset.zones[..index].iter().zip(&bases).filter_map(|(other, base)| {
                let instrument = &instruments[usize::from(other.target)];
                let highest = slots(instrument, *base).into_iter().flatten().map(|(_, slot)| slot + 1).max();
                highest.filter(|_| other.overlaps(zone) && shares(instrument))
            });
            let base = below.max().unwrap_or(0);
            bases.push(base);
            if base > 0
                && let Ok(copy) = u16::try_from(instruments.len())
            {
                instruments.push(own.clone());
                preset.zones[index].target = copy;
                copies.insert(usize::from(copy), base);
            }
        }
    }
    copies
}
