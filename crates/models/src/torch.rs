//! Files that `torch.save` wrote: a zip archive with a pickle that lists tensors and a file of numbers for each storage.

use std::io::Cursor;

use engine::f0::{Tensor, Weights};

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
