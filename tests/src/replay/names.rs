//! [`names`]: what the fields and variants are called that a type is written with.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, Error};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess};
use serde::de::{SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Every number is one.
macro_rules! numbers {
    ($($name:ident)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_u64(1)
        }
    )*};
}

/// The names of all fields and variants of a type and of what is in it.
///
/// The type is read many times from a source that has whatever is asked for, and each variant of
/// an enum in turn. That not every value is a valid one does not matter: the names are asked for
/// first.
pub fn names<'de, T: Deserialize<'de>>() -> BTreeSet<&'static str> {
    let source = Source::default();
    for turn in 0..TURNS {
        source.turn.replace(turn);
        // Only the names are wanted.
        let _ = T::deserialize(&source);
    }
    source.names.into_inner()
}

/// Has whatever is asked for, and remembers by which names.
#[derive(Debug, Default)]
struct Source {
    names: RefCell<BTreeSet<&'static str>>,
    /// Which variant of an enum comes next.
    variants: RefCell<BTreeMap<&'static str, usize>>,
    turn: RefCell<usize>,
}

/// What is left of the fields of a struct, or of the values of a list.
struct Fields<'a> {
    source: &'a Source,
    names: std::slice::Iter<'static, &'static str>,
    left: usize,
}

struct Variant<'a> {
    source: &'a Source,
    name: &'static str,
}

impl Source {
    fn learn(&self, names: &'static [&'static str]) {
        self.names.borrow_mut().extend(names);
    }

    fn text(&self) -> &'static str {
        TEXTS[*self.turn.borrow() % TEXTS.len()]
    }

    fn list(&self, left: usize) -> Fields<'_> {
        let names = [].iter();
        Fields {
            source: self,
            names,
            left,
        }
    }
}

impl<'de> Deserializer<'de> for &Source {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.text())
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(true)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name.starts_with('$') {
            // JSON that is kept as it is.
            return visitor.visit_borrowed_str("null");
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(self.list(1))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(self.list(count))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(count, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.learn(fields);
        let (names, left) = (fields.iter(), 0);
        visitor.visit_map(Fields {
            source: self,
            names,
            left,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.learn(variants);
        let number = {
            let mut all = self.variants.borrow_mut();
            let next = all.entry(name).or_default();
            *next += 1;
            *next
        };
        let name = variants[number % variants.len()];
        visitor.visit_enum(Variant { source: self, name })
    }

    forward_to_deserialize_any! { char str string bytes byte_buf map identifier ignored_any }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let name = self.names.next();
        let key = name.map(|name| seed.deserialize(BorrowedStrDeserializer::new(name)));
        key.transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.source)
    }
}

impl<'de> SeqAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(self.source).map(Some)
    }
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let value = seed.deserialize(self.name.into_deserializer())?;
        Ok((value, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.source)
    }

    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Error> {
        self.source.deserialize_tuple(count, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.source.deserialize_struct("", fields, visitor)
    }
}

/// Texts that one or another type takes.
const TEXTS: [&str; 3] = ["1", "http://a:1", "GET"];
/// How often a type is read: each variant that is three enums deep has its turn.
const TURNS: usize = 60_000;
