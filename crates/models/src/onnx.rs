//! ONNX files: as much of the format as holds the constants of a network. (onnx/onnx.proto3, IR version 10; the field
//! numbers are from there. Fields that are not listed are skipped.)

use engine::f0::{Tensor, Weights};
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
