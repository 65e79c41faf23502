//! The list of tensors in a file that `torch.save` wrote: a Python pickle of a state dictionary.
//!
//! A pickle is a program for a small stack machine that may call anything in Python. Nothing is called here: the few
//! operations that a state dictionary needs are followed, four names are recognised, and everything else is refused.
//! (Python documentation, `pickletools`; protocol 2.)

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use crate::error::Malformed;

/// A pickle of tensor names and shapes has some kilobytes.
const MOST_BYTES: usize = 1 << 20;
/// A tensor's description is four tuples deep.
const MOST_DEPTH: usize = 8;
const MOST_TENSORS: usize = 1_024;

/// What the numbers of a storage are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Element {
    Float32,
    Int64,
}

/// A tensor as the pickle describes it: a stretch of a storage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Described {
    pub storage: String,
    pub element: Element,
    /// Elements in the storage.
    pub storage_len: usize,
    /// First element of the tensor.
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

type Dictionary = Rc<RefCell<BTreeMap<String, Rc<Described>>>>;

#[derive(Clone)]
enum Value {
    Plain,
    Int(i64),
    Text(Rc<str>),
    Storage(Element),
    OrderedDict,
    RebuildTensor,
    Stored { key: Rc<str>, element: Element, len: usize },
    Tuple { items: Rc<[Value]>, depth: usize },
    Tensor(Rc<Described>),
    Dict(Dictionary),
    Mark,
}

/// The tensors of a state dictionary by name.
pub(crate) fn tensors(bytes: &[u8]) -> Result<BTreeMap<String, Described>, Malformed> {
    if bytes.len() > MOST_BYTES {
        return Err(Malformed::new("its list of tensors is too long"));
    }
    let mut machine = Machine { rest: bytes, stack: Vec::new(), memo: BTreeMap::new() };
    while machine.step()? {}
    match machine.pop()? {
        Value::Dict(entries) => {
            Ok(entries.borrow().iter().map(|(name, tensor)| (name.clone(), tensor.as_ref().clone())).collect())
        }
        _ => Err(Malformed::new("it holds something else than a state dictionary")),
    }
}

struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    memo: BTreeMap<u32, Value>,
}

impl Machine<'_> {
    /// Follows one operation; false after the last one.
    fn step(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            b'.' => return Ok(false),
            0x80 => {
                let protocol = self.byte()?;
                if protocol > 2 {
                    return Err(Malformed::new(format!("its pickle is of protocol {protocol} instead of 2")));
                }
            }
            b'N' | 0x88 | 0x89 => self.stack.push(Value::Plain),
            number @ (b'K' | b'M' | b'J') => self.number(number)?,
            b'X' => self.text()?,
            b'c' => self.global()?,
            b'(' => self.stack.push(Value::Mark),
            b')' => self.push_tuple(Vec::new())?,
            b't' => {
                let items = self.pop_to_mark()?;
                self.push_tuple(items)?;
            }
            short @ 0x85..=0x87 => {
                let at = self.stack.len().checked_sub(usize::from(short - 0x84)).ok_or_else(damaged)?;
                let items = self.stack.split_off(at);
                self.push_tuple(items)?;
            }
            b'}' => self.stack.push(Value::Dict(Dictionary::default())),
            memo @ (b'q' | b'r' | b'h' | b'j') => self.remember_or_recall(memo)?,
            b'Q' => self.persistent()?,
            b'R' => self.call()?,
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set(&items)?;
            }
            // The state that a dictionary is given is torch's bookkeeping.
            b'b' => drop(self.pop()?),
            other => return Err(Malformed::new(format!("operation {other:#04x} has no place in a state dictionary"))),
        }
        Ok(true)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self.rest.split_first_chunk::<N>().ok_or_else(damaged)?;
        self.rest = rest;
        Ok(*array)
    }

    fn pop(&mut self) -> Result<Value, Malformed> {
        self.stack.pop().ok_or_else(damaged)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value>, Malformed> {
        let mark = self.stack.iter().rposition(|value| matches!(value, Value::Mark)).ok_or_else(damaged)?;
        let items = self.stack.split_off(mark + 1);
        self.stack.truncate(mark);
        Ok(items)
    }

    fn number(&mut self, operation: u8) -> Result<(), Malformed> {
        let value = match operation {
            b'K' => i64::from(self.byte()?),
            b'M' => i64::from(u16::from_le_bytes(self.array()?)),
            _ => i64::from(i32::from_le_bytes(self.array()?)),
        };
        self.stack.push(Value::Int(value));
        Ok(())
    }

    fn text(&mut self) -> Result<(), Malformed> {
        let len = u32::from_le_bytes(self.array()?) as usize;
        let (text, rest) = self.rest.split_at_checked(len).ok_or_else(damaged)?;
        let text = std::str::from_utf8(text).map_err(|_| damaged())?;
        self.rest = rest;
        self.stack.push(Value::Text(text.into()));
        Ok(())
    }

    /// The few names that describe tensors.
    fn global(&mut self) -> Result<(), Malformed> {
        let (module, name) = (self.line()?, self.line()?);
        let value = match (module.as_str(), name.as_str()) {
            ("collections", "OrderedDict") => Value::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Value::RebuildTensor,
            ("torch", "FloatStorage") => Value::Storage(Element::Float32),
            ("torch", "LongStorage") => Value::Storage(Element::Int64),
            _ => return Err(Malformed::new("it asks for Python code that a state dictionary has no use for")),
        };
        self.stack.push(value);
        Ok(())
    }

    fn line(&mut self) -> Result<String, Malformed> {
        let end = self.rest.iter().position(|&byte| byte == b'\n').ok_or_else(damaged)?;
        let line = std::str::from_utf8(&self.rest[..end]).map_err(|_| damaged())?.to_owned();
        self.rest = &self.rest[end + 1..];
        Ok(line)
    }

    /// Tuples hold tuples: a bound on how deep keeps what walks or drops them off the end of the stack.
    fn push_tuple(&mut self, items: Vec<Value>) -> Result<(), Malformed> {
        let depths = items.iter().map(|item| if let Value::Tuple { depth, .. } = item { *depth } else { 0 });
        let depth = depths.max().unwrap_or(0) + 1;
        if depth > MOST_DEPTH {
            return Err(damaged());
        }
        self.stack.push(Value::Tuple { items: items.into(), depth });
        Ok(())
    }

    fn remember_or_recall(&mut self, operation: u8) -> Result<(), Malformed> {
        let key = match operation {
            b'q' | b'h' => u32::from(self.byte()?),
            _ => u32::from_le_bytes(self.array()?),
        };
        if matches!(operation, b'q' | b'r') {
            self.memo.insert(key, self.stack.last().ok_or_else(damaged)?.clone());
        } else {
            self.stack.push(self.memo.get(&key).ok_or_else(damaged)?.clone());
        }
        Ok(())
    }

    /// `('storage', class, key, device, length)` names a file of the archive.
    fn persistent(&mut self) -> Result<(), Malformed> {
        let Value::Tuple { items, .. } = self.pop()? else { return Err(damaged()) };
        let [Value::Text(kind), Value::Storage(element), Value::Text(key), Value::Text(_), Value::Int(len)] =
            &items[..]
        else {
            return Err(damaged());
        };
        if &**kind != "storage" {
            return Err(damaged());
        }
        self.stack.push(Value::Stored { key: key.clone(), element: *element, len: size(*len)? });
        Ok(())
    }

    fn call(&mut self) -> Result<(), Malformed> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let Value::Tuple { items, .. } = arguments else { return Err(damaged()) };
        let value = match (callee, &items[..]) {
            (Value::OrderedDict, []) => Value::Dict(Dictionary::default()),
            (Value::RebuildTensor, [Value::Stored { key, element, len }, Value::Int(offset), shape, strides, ..]) => {
                Value::Tensor(Rc::new(Described {
                    storage: key.to_string(),
                    element: *element,
                    storage_len: *len,
                    offset: size(*offset)?,
                    shape: sizes(shape)?,
                    strides: sizes(strides)?,
                }))
            }
            _ => return Err(damaged()),
        };
        self.stack.push(value);
        Ok(())
    }

    /// Puts pairs of key and value into the dictionary below them. Only tensors are kept.
    fn set(&mut self, pairs: &[Value]) -> Result<(), Malformed> {
        let Some(Value::Dict(entries)) = self.stack.last() else { return Err(damaged()) };
        for pair in pairs.chunks(2) {
            let [Value::Text(key), value] = pair else { return Err(damaged()) };
            if let Value::Tensor(tensor) = value {
                entries.borrow_mut().insert(key.to_string(), tensor.clone());
            }
        }
        if entries.borrow().len() > MOST_TENSORS {
            return Err(Malformed::new(format!("it has more than {MOST_TENSORS} tensors")));
        }
        Ok(())
    }
}

fn sizes(value: &Value) -> Result<Vec<usize>, Malformed> {
    let Value::Tuple { items, .. } = value else { return Err(damaged()) };
    let one = |item: &Value| if let Value::Int(number) = item { size(*number) } else { Err(damaged()) };
    items.iter().map(one).collect()
}

fn size(number: i64) -> Result<usize, Malformed> {
    usize::try_from(number).map_err(|_| damaged())
}

fn damaged() -> Malformed {
    Malformed::new("its list of tensors is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive_bytes::{state_dictionary, tensor};

    fn refusal(bytes: &[u8]) -> String {
        tensors(bytes).unwrap_err().0
    }

    #[test]
    fn a_state_dictionary_is_read() {
        let bytes = state_dictionary(&[("w", tensor("FloatStorage", "5", 12, 2, &[2, 3], &[3, 1]))]);
        let expected = Described {
            storage: "5".to_owned(),
            element: Element::Float32,
            storage_len: 12,
            offset: 2,
            shape: vec![2, 3],
            strides: vec![3, 1],
        };
        assert_eq!(tensors(&bytes), Ok(BTreeMap::from([("w".to_owned(), expected)])));
    }

    #[test]
    fn python_code_is_not_even_looked_at() {
        let evil = b"cos\nsystem\nX\x04\x00\x00\x00true\x85R.";
        assert_eq!(refusal(evil), "it asks for Python code that a state dictionary has no use for");
        let odd = state_dictionary(&[("w", tensor("DoubleStorage", "5", 1, 0, &[1], &[1]))]);
        assert_eq!(refusal(&odd), "it asks for Python code that a state dictionary has no use for");
        assert_eq!(refusal(b"\x80\x04."), "its pickle is of protocol 4 instead of 2");
        assert_eq!(refusal(b"\x93."), "operation 0x93 has no place in a state dictionary");
        assert_eq!(refusal(b"K\x01."), "it holds something else than a state dictionary");
    }

    #[test]
    fn what_is_cut_or_changed_ends_in_an_error_or_in_tensors() {
        let whole = state_dictionary(&[("w", tensor("FloatStorage", "5", 12, 2, &[2, 3], &[3, 1]))]);
        for len in 0..whole.len() {
            assert!(tensors(&whole[..len]).is_err(), "{len} bytes");
        }
        for at in 0..whole.len() {
            for value in 0..=u8::MAX {
                let mut changed = whole.clone();
                changed[at] = value;
                if let Ok(found) = tensors(&changed) {
                    assert!(found.len() <= 1);
                }
            }
        }
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let deep = [b")".as_slice(), &[0x85; 100_000], b"."].concat();
        assert_eq!(refusal(&deep), "its list of tensors is damaged");
        let names: Vec<String> = (0..=MOST_TENSORS).map(|index| index.to_string()).collect();
        let many: Vec<_> =
            names.iter().map(|name| (name.as_str(), tensor("FloatStorage", "5", 1, 0, &[1], &[1]))).collect();
        assert_eq!(refusal(&state_dictionary(&many)), "it has more than 1024 tensors");
        assert_eq!(refusal(&vec![b')'; MOST_BYTES + 1]), "its list of tensors is too long");
    }
}
