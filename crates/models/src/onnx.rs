//! ONNX files: as much of the format as holds the constants of a network. (onnx/onnx.proto3, IR version 10; the field
//! numbers are from there. Fields that are not listed are skipped.)

use pitch::f0::{Tensor, Weights};
use prost::Message;

use crate::error::Malformed;

const MOST_BYTES: usize = 64 << 20;
const MOST_TENSORS: usize = 4_096;
const MOST_AXES: usize = 8;

/// `TensorProto.DataType`.
const FLOAT32: i32 = 1;
const INT32: i32 = 6;

#[derive(Clone, PartialEq, Message)]
struct ModelProto {
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphProto>,
}

#[derive(Clone, PartialEq, Message)]
struct GraphProto {
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<TensorProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

/// The constants of a graph that are numbers of 32 bits; whole numbers become floating ones. Others are left out, and so
/// are those whose numbers stand elsewhere than in `raw_data`.
pub(crate) fn read(bytes: &[u8]) -> Result<Weights, Malformed> {
    if bytes.len() > MOST_BYTES {
        return Err(Malformed::new(format!("it is longer than {MOST_BYTES} bytes")));
    }
    let model = ModelProto::decode(bytes).map_err(|error| Malformed::new(error.to_string()))?;
    let graph = model.graph.ok_or_else(|| Malformed::new("it holds no graph"))?;
    if graph.initializer.len() > MOST_TENSORS {
        return Err(Malformed::new(format!("it has more than {MOST_TENSORS} constants")));
    }
    let mut weights = Weights::default();
    for TensorProto { dims, data_type, name, raw_data } in graph.initializer {
        let as_float: fn([u8; 4]) -> f32 = match data_type {
            FLOAT32 => f32::from_le_bytes,
            INT32 => |four| i32::from_le_bytes(four) as f32,
            _ => continue,
        };
        let axes = dims.iter().map(|&axis| usize::try_from(axis).ok()).collect::<Option<Vec<usize>>>();
        let shape = axes.filter(|axes| axes.len() <= MOST_AXES);
        let count = shape.as_ref().and_then(|axes| axes.iter().try_fold(4usize, |size, &axis| size.checked_mul(axis)));
        let (Some(shape), true) = (shape, count == Some(raw_data.len())) else {
            return Err(Malformed::new(format!("the constant {name} has not as many numbers as its shape says")));
        };
        let values = raw_data.chunks_exact(4).map(|four| as_float([four[0], four[1], four[2], four[3]])).collect();
        weights.insert(name, Tensor { shape, values });
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length-delimited field.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2];
        let mut len = content.len();
        while len >= 0x80 {
            out.push(len as u8 | 0x80);
            len >>= 7;
        }
        out.push(len as u8);
        out.extend(content);
        out
    }

    fn constant(name: &str, dims: &[u8], data_type: u8, raw: &[u8]) -> Vec<u8> {
        let parts = [field(1, dims), vec![2 << 3, data_type], field(8, name.as_bytes()), field(9, raw)];
        field(5, &parts.concat())
    }

    fn model(constants: &[Vec<u8>]) -> Vec<u8> {
        // An IR version, a producer and a node's worth of fields that are skipped.
        let graph = [field(2, b"name"), field(1, b""), constants.concat()].concat();
        [vec![1 << 3, 10], field(2, b"tests"), field(7, &graph)].concat()
    }

    #[test]
    fn constants_come_out_with_their_shapes() {
        let floats: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let ints: Vec<u8> = [3i32, 70_000, -1].iter().flat_map(|value| value.to_le_bytes()).collect();
        let bytes = model(&[
            constant("f", &[1, 2], 1, &floats),
            constant("i", &[3], 6, &ints),
            constant("long", &[1], 7, &[0; 8]),
            constant("one", &[], 1, &1f32.to_le_bytes()),
        ]);
        let weights = read(&bytes).unwrap();
        let found: Vec<_> =
            weights.iter().map(|(name, tensor)| (name, &tensor.shape[..], &tensor.values[..])).collect();
        let expected: [(&str, &[usize], &[f32]); 3] =
            [("f", &[1, 2], &[1.5, -2.0]), ("i", &[3], &[3.0, 70_000.0, -1.0]), ("one", &[], &[1.0])];
        assert_eq!(found, expected);
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let refusal = |dims: &[u8], raw: &[u8]| read(&model(&[constant("w", dims, 1, raw)])).unwrap_err().0;
        let expected = "the constant w has not as many numbers as its shape says";
        assert_eq!(refusal(&[3], &[0; 8]), expected);
        assert_eq!(refusal(&[2], &[0; 7]), expected);
        assert_eq!(refusal(&[1; 9], &[0; 4]), expected);
        // −1, and a product beyond what a machine can count.
        assert_eq!(refusal(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], &[]), expected);
        let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f].repeat(3);
        assert_eq!(refusal(&huge, &[]), expected);
        assert_eq!(read(&[]).unwrap_err().0, "it holds no graph");
        assert!(read(b"no protobuf at all").is_err());
    }

    #[test]
    fn what_is_cut_or_changed_ends_in_an_error_or_in_constants() {
        let whole = model(&[constant("w", &[2, 1], 1, &[0; 8])]);
        for at in 0..whole.len() {
            let _cut = read(&whole[..at]);
            for value in 0..=u8::MAX {
                let mut changed = whole.clone();
                changed[at] = value;
                if let Ok(weights) = read(&changed) {
                    let fits = |tensor: &Tensor| tensor.shape.iter().product::<usize>() == tensor.values.len();
                    assert!(weights.iter().all(|(_, tensor)| fits(tensor)), "byte {at}");
                }
            }
        }
    }
}
