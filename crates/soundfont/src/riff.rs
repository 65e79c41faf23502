//! The sizes in a RIFF file against the bytes that are there, before anybody allocates what the file asks for.

/// Checks that a file is a SoundFont whose chunks all lie inside it: the outer chunk, its three lists, and what they
/// hold.
pub(crate) fn check(bytes: &[u8]) -> Result<(), &'static str> {
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"sfbk") {
        return Err("it does not begin as one");
    }
    let inside = body(bytes).ok_or("it is cut off")?;
    let mut lists: Vec<&[u8]> = Vec::new();
    each(inside.get(4..).ok_or("it is empty")?, |name, list| {
        if name == b"LIST" && list.len() >= 4 {
            lists.push(list);
        }
    })?;
    for wanted in [b"INFO", b"sdta", b"pdta"] {
        let list = lists.iter().find(|list| &list[..4] == wanted).ok_or("a part of it is missing")?;
        each(&list[4..], |_, _| {})?;
    }
    Ok(())
}

/// What a chunk holds, when all of it is there.
fn body(chunk: &[u8]) -> Option<&[u8]> {
    let length = u32::from_le_bytes(chunk.get(4..8)?.try_into().ok()?);
    // Readers take sizes as signed numbers.
    let length = i32::try_from(length).ok()? as usize;
    chunk.get(8..)?.get(..length)
}

fn each<'a>(mut rest: &'a [u8], mut visit: impl FnMut(&'a [u8], &'a [u8])) -> Result<(), &'static str> {
    while rest.len() >= 8 {
        let inside = body(rest).ok_or("a part of it is cut off")?;
        visit(&rest[..4], inside);
        // Chunks begin at even places.
        rest = rest.get(8 + inside.len() + inside.len() % 2..).unwrap_or_default();
    }
    Ok(())
}
