//! Warnings, few whatever the file: one of a kind and track, with the first place and how often.

use std::collections::BTreeMap;

use super::Warning;

/// Collects warnings up to a number.
pub(super) struct Warnings {
    most: usize,
    list: Vec<(Warning, u32)>,
    /// Where the warning of a track and a sentence stands in `list`.
    known: BTreeMap<(Option<u16>, String), usize>,
    left_out: u32,
    first_left_out: usize,
}

impl Warnings {
    pub fn new(most: usize) -> Self {
        Self { most, list: Vec::new(), known: BTreeMap::new(), left_out: 0, first_left_out: 0 }
    }

    /// Notes a sentence without its full stop. The same one about the same track only counts up.
    pub fn add(&mut self, track: Option<u16>, byte_offset: usize, what: &str) {
        let key = (track, what.to_owned());
        if let Some((_, times)) = self.known.get(&key).and_then(|index| self.list.get_mut(*index)) {
            *times = times.saturating_add(1);
        } else if self.list.len() < self.most {
            self.list.push((Warning { track, byte_offset, what: what.to_owned() }, 1));
            self.known.insert(key, self.list.len() - 1);
        } else {
            if self.left_out == 0 {
                self.first_left_out = byte_offset;
            }
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// In the order of the file.
    pub fn finish(self) -> Vec<Warning> {
        let mut warnings: Vec<Warning> = self.list.into_iter().map(|(warning, times)| told(warning, times)).collect();
        warnings.sort_by_key(|warning| warning.byte_offset);
        if self.left_out > 0 {
            let what = format!("There were more warnings like these, which are left out ({}).", self.left_out);
            warnings.push(Warning { track: None, byte_offset: self.first_left_out, what });
        }
        warnings
    }
}

fn told(mut warning: Warning, times: u32) -> Warning {
    let again = if times > 1 { format!(" ({times} times in this track)") } else { String::new() };
    warning.what.push_str(&again);
    warning.what.push('.');
    warning
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_counts_up_and_many_are_left_out() {
        let mut warnings = Warnings::new(2);
        for offset in 10..13 {
            warnings.add(Some(1), offset, "A note hangs");
        }
        warnings.add(None, 2, "The header is odd");
        warnings.add(Some(2), 30, "A note hangs");
        warnings.add(Some(3), 40, "A note hangs");
        let told: Vec<_> = warnings.finish().into_iter().map(|warning| (warning.byte_offset, warning.what)).collect();
        let left_out = "There were more warnings like these, which are left out (2).";
        let expected = [(2, "The header is odd."), (10, "A note hangs (3 times in this track)."), (30, left_out)];
        assert_eq!(told, expected.map(|(offset, what)| (offset, what.to_owned())));
    }
}
