//! The weights of a neural model, as whoever read its file hands them over.

use std::collections::BTreeMap;

use crate::error::PitchError;

/// Numbers in row-major order: the last axis changes fastest.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tensor {
    /// Length of each axis; their product is the number of values.
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Tensors by the names that the model's authors gave them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Weights {
    tensors: BTreeMap<String, Tensor>,
}

impl Weights {
    /// Adds a tensor, or replaces the one of that name.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) {
        self.tensors.insert(name.into(), tensor);
    }

    /// Names and tensors, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The tensor of a name, whatever its shape, with as many values as its shape says and every one of them finite.
    ///
    /// # Errors
    /// [`PitchError::Weights`] naming the tensor.
    pub(super) fn any_shape(&self, name: &str) -> Result<&Tensor, PitchError> {
        let Some(tensor) = self.tensors.get(name) else {
            return Err(PitchError::Weights(format!("{name} is missing")));
        };
        let size = tensor.shape.iter().try_fold(1usize, |size, &axis| size.checked_mul(axis));
        if size != Some(tensor.values.len()) {
            let (shape, count) = (&tensor.shape, tensor.values.len());
            return Err(PitchError::Weights(format!("{name} has the shape {shape:?} but {count} values")));
        }
        if tensor.values.iter().any(|value| !value.is_finite()) {
            return Err(PitchError::Weights(format!("{name} holds values that are no numbers")));
        }
        Ok(tensor)
    }

    /// The values of a tensor that must have this shape.
    ///
    /// # Errors
    /// [`PitchError::Weights`] naming the tensor and both shapes.
    pub(super) fn of_shape(&self, name: &str, shape: &[usize]) -> Result<&[f32], PitchError> {
        let tensor = self.any_shape(name)?;
        if tensor.shape != shape {
            return Err(PitchError::Weights(format!("{name} has the shape {:?} instead of {shape:?}", tensor.shape)));
        }
        Ok(&tensor.values)
    }
}
