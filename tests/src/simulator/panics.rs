//! What panics, and where: the pool, or the simulator itself.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::Once;

use crate::invariant::{Broken, Invariant};

/// Where something panicked.
#[derive(Clone, Debug)]
struct Place {
    file: String,
    line: u32,
}

thread_local! {
    /// Where this thread has panicked last.
    static LATEST: RefCell<Option<Place>> = const { RefCell::new(None) };
}

/// Does something that may panic, and says what was broken if it does.
pub(super) fn caught(what: impl FnOnce()) -> Option<Broken> {
    static IS_NOTED: Once = Once::new();
    IS_NOTED.call_once(note_places);
    let panic = catch_unwind(AssertUnwindSafe(what)).err()?;
    let words = words(&*panic);
    let Some(Place { file, line }) = LATEST.take() else {
        let (invariant, detail) = (Invariant::NoPanic, words);
        return Some(Broken { invariant, detail });
    };
    // Paths begin at the folder of the workspace, but for those of other crates.
    let is_own = Path::new(&file).starts_with("tests");
    let invariant = if is_own {
        Invariant::SimulatorWell
    } else {
        Invariant::NoPanic
    };
    let detail = format!("{file}:{line}: {words}");
    Some(Broken { invariant, detail })
}

/// Keeps the place of each panic, before it is told as before.
fn note_places() {
    let tell = take_hook();
    set_hook(Box::new(move |panic| {
        LATEST.set(panic.location().map(|place| Place {
            file: place.file().to_owned(),
            line: place.line(),
        }));
        tell(panic);
    }));
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::time::Duration;

    use super::caught;
    use crate::invariant::{Invariant, finds};

    #[test]
    fn a_panic_is_told_with_its_place() {
        let broken = caught(|| {
            let _ = black_box(black_box(Duration::MAX) + Duration::MAX);
        });
        finds(Invariant::NoPanic, broken.as_ref());
        let detail = broken.map(|broken| broken.detail).unwrap_or_default();
        assert!(detail.contains("time.rs:"), "{detail}");
    }

    #[test]
    fn a_panic_of_the_simulator_is_not_one_of_the_pool() {
        let broken = caught(|| panic!("by {}", "itself"));
        finds(Invariant::SimulatorWell, broken.as_ref());
        let detail = broken.map(|broken| broken.detail).unwrap_or_default();
        assert!(detail.ends_with(": by itself"), "{detail}");
        assert!(detail.contains("panics.rs:"), "{detail}");
    }

    #[test]
    fn what_does_not_panic_breaks_nothing() {
        assert_eq!(caught(|| ()), None);
    }
}
