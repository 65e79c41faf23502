//! Files that `torch.save` wrote: a zip archive with a pickle that lists tensors and a file of numbers for each storage.

use std::io::Cursor;

use pitch::f0::{Tensor, Weights};

use crate::{
    archive::Archive,
    error::Malformed,
    pickle::{self, Described, Element},
};

/// The largest storage of the models that are known has 34 MB.
const MOST_STORAGE_BYTES: u64 = 128 << 20;
const MOST_PICKLE_BYTES: u64 = 1 << 20;
/// All tensors together.
const MOST_VALUES: usize = 64 << 20;

/// The tensors of single-precision numbers in a state dictionary. Others (counters) are left out.
pub(crate) fn read(bytes: &[u8]) -> Result<Weights, Malformed> {
    let mut archive = Archive::open(Cursor::new(bytes))?;
    let list = archive.names().find(|name| name.ends_with("/data.pkl")).map(str::to_owned);
    let list = list.ok_or_else(|| Malformed::new("it holds no data.pkl"))?;
    let folder = list.trim_end_matches("data.pkl").to_owned();
    let order = format!("{folder}byteorder");
    if archive.contains(&order) && archive.read(&order, 16)? != b"little" {
        return Err(Malformed::new("its numbers are big-endian"));
    }
    let mut weights = Weights::default();
    let mut room = MOST_VALUES;
    for (name, described) in pickle::tensors(&archive.read(&list, MOST_PICKLE_BYTES)?)? {
        if described.element != Element::Float32 {
            continue;
        }
        let count = value_count(&name, &described)?;
        room = room.checked_sub(count).ok_or_else(|| Malformed::new("it holds more numbers than a model"))?;
        let storage = archive.read(&format!("{folder}data/{}", described.storage), MOST_STORAGE_BYTES)?;
        if storage.len() != described.storage_len.saturating_mul(4) {
            return Err(Malformed::new(format!("the numbers of {name} are not as many as stated")));
        }
        let values = storage[described.offset * 4..(described.offset + count) * 4]
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect();
        weights.insert(name, Tensor { shape: described.shape, values });
    }
    Ok(weights)
}

/// How many numbers a tensor has, all in its storage and in row-major order.
fn value_count(name: &str, tensor: &Described) -> Result<usize, Malformed> {
    let refused = |why: &str| Malformed::new(format!("the tensor {name} {why}"));
    let mut count = 1usize;
    if tensor.strides.len() != tensor.shape.len() {
        return Err(refused("has not as many strides as axes"));
    }
    for (&axis, &stride) in tensor.shape.iter().zip(&tensor.strides).rev() {
        if axis != 1 && stride != count {
            return Err(refused("is not in row-major order"));
        }
        count = count.checked_mul(axis).ok_or_else(|| refused("is too large"))?;
    }
    let end = tensor.offset.checked_add(count).ok_or_else(|| refused("is too large"))?;
    if end > tensor.storage_len { Err(refused("reaches beyond its storage")) } else { Ok(count) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive_bytes::{state_dictionary, tensor, zip};

    fn floats(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn file(tensors: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let (list, storage) = (state_dictionary(tensors), floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]));
        zip(&[("archive/data.pkl", &list), ("archive/data/11", &storage), ("archive/data/12", &[0; 8])], false)
    }

    fn refusal(tensors: &[(&str, Vec<u8>)]) -> String {
        read(&file(tensors)).unwrap_err().0
    }

    #[test]
    fn tensors_come_out_with_their_shapes() {
        let bytes = file(&[
            ("a.weight", tensor("FloatStorage", "11", 7, 1, &[2, 1, 3], &[3, 3, 1])),
            ("a.count", tensor("LongStorage", "12", 1, 0, &[], &[])),
            ("a.bias", tensor("FloatStorage", "11", 7, 0, &[2], &[1])),
        ]);
        let weights = read(&bytes).unwrap();
        let found: Vec<_> = weights.iter().map(|(name, tensor)| (name, tensor.clone())).collect();
        let weight = Tensor { shape: vec![2, 1, 3], values: vec![2.0, 3.0, 4.0, 5.0, 6.0, 7.0] };
        let bias = Tensor { shape: vec![2], values: vec![1.0, 2.0] };
        assert_eq!(found, [("a.bias", bias), ("a.weight", weight)]);
    }

    #[test]
    fn shapes_that_do_not_fit_their_storage_are_refused() {
        let of = |offset, shape: &[usize], strides: &[usize]| {
            refusal(&[("w", tensor("FloatStorage", "11", 7, offset, shape, strides))])
        };
        assert_eq!(of(2, &[2, 3], &[3, 1]), "the tensor w reaches beyond its storage");
        assert_eq!(of(0, &[2, 3], &[1, 2]), "the tensor w is not in row-major order");
        assert_eq!(of(0, &[2, 3], &[3]), "the tensor w has not as many strides as axes");
        assert_eq!(of(0, &[1 << 30; 3], &[0, 1 << 30, 1]), "the tensor w is not in row-major order");
        assert_eq!(of(0, &[1 << 30; 2], &[1 << 30, 1]), "the tensor w reaches beyond its storage");
        let wrong = |key, len| refusal(&[("w", tensor("FloatStorage", key, len, 0, &[2], &[1]))]);
        assert_eq!(wrong("11", 8), "the numbers of w are not as many as stated");
        assert_eq!(wrong("13", 7), "archive/data/13 is missing");
    }

    #[test]
    fn what_is_no_saved_dictionary_is_refused() {
        assert_eq!(read(b"").unwrap_err().0, "it is no zip archive");
        assert_eq!(read(&zip(&[("archive/version", b"3")], false)).unwrap_err().0, "it holds no data.pkl");
        let list = state_dictionary(&[]);
        let big = zip(&[("a/data.pkl", &list), ("a/byteorder", b"big")], false);
        assert_eq!(read(&big).unwrap_err().0, "its numbers are big-endian");
    }
}
