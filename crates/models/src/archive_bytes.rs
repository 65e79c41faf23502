//! Archives and pickles for the tests, written byte by byte.

use std::io::Write;

/// A zip archive of files, packed or stored.
pub(crate) fn zip(files: &[(&str, &[u8])], packed: bool) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let body = if packed {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        } else {
            bytes.to_vec()
        };
        let mut common = Vec::new();
        common.extend([20, 0, 0, 0, if packed { 8 } else { 0 }, 0, 0, 0, 0, 0]);
        common.extend(crc.sum().to_le_bytes());
        common.extend((body.len() as u32).to_le_bytes());
        common.extend((bytes.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        let offset = out.len() as u32;
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(&body);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([(files.len() as u16).to_le_bytes(); 2].concat());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn text(value: &str) -> Vec<u8> {
    [b"X".as_slice(), &(value.len() as u32).to_le_bytes(), value.as_bytes()].concat()
}

fn int(value: usize) -> Vec<u8> {
    [b"J".as_slice(), &(value as i32).to_le_bytes()].concat()
}

fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(".as_slice(), &items.concat(), b"t"].concat()
}

/// A tensor as `torch.save` describes it.
pub(crate) fn tensor(class: &str, key: &str, len: usize, offset: usize, shape: &[usize], strides: &[usize]) -> Vec<u8> {
    let ints = |values: &[usize]| tuple(&values.iter().map(|&value| int(value)).collect::<Vec<_>>());
    let storage = [text("storage"), format!("ctorch\n{class}\n").into_bytes(), text(key), text("cpu"), int(len)];
    let id = [tuple(&storage), b"Q".to_vec()].concat();
    let hooks = b"ccollections\nOrderedDict\n)R".to_vec();
    let arguments = [id, int(offset), ints(shape), ints(strides), b"\x89".to_vec(), hooks];
    [b"ctorch._utils\n_rebuild_tensor_v2\n".to_vec(), tuple(&arguments), b"R".to_vec()].concat()
}

/// A pickled state dictionary, with the metadata that torch puts at its end.
pub(crate) fn state_dictionary(tensors: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(".to_vec();
    for (name, tensor) in tensors {
        out.extend(text(name));
        out.extend(tensor);
    }
    out.extend(b"u}");
    out.extend(text("_metadata"));
    out.extend(b"h\x00)Rr\x02\x00\x00\x00(");
    out.extend(text(""));
    out.extend(b"}");
    out.extend(text("version"));
    out.extend(b"K\x01susb.");
    out
}
