//! The operations on the items of a playlist. Pure.

/// The most items of one playlist.
pub const MAX_ITEMS: usize = 10_000;

/// Why a change is refused; a text that is shown to the user.
pub type ChangeRefusal = String;

/// Inserts `new` before the item at `position`, or at the end.
///
/// # Errors
/// When `position` is after the end, or the playlist would have more than [`MAX_ITEMS`] items.
pub fn insert<T>(items: &mut Vec<T>, new: Vec<T>, position: Option<usize>) -> Result<(), ChangeRefusal> {
    let at = position.unwrap_or(items.len());
    if at > items.len() {
        return Err(format!("position {at} is after the end: the playlist has {} items", items.len()));
    }
    if items.len().saturating_add(new.len()) > MAX_ITEMS {
        return Err(format!("a playlist has at most {MAX_ITEMS} items"));
    }
    items.splice(at..at, new);
    Ok(())
}

/// Moves `length` items from `start` to before the item that is now at `before`.
///
/// # Errors
/// When one of the positions is after the end.
pub fn reorder<T>(items: &mut [T], start: usize, length: usize, before: usize) -> Result<(), ChangeRefusal> {
    let count = items.len();
    let outside =
        || format!("range_start, range_length or insert_before is after the end: the playlist has {count} items");
    let end = start.checked_add(length).filter(|end| *end <= count && before <= count).ok_or_else(outside)?;
    if before < start {
        items.get_mut(before..end).ok_or_else(outside)?.rotate_right(length);
    } else if before > end {
        items.get_mut(start..before).ok_or_else(outside)?.rotate_left(length);
    }
    Ok(())
}

/// Removes the items for which `is_removed(position, item)` is true; returns how many were removed.
pub fn remove<T>(items: &mut Vec<T>, mut is_removed: impl FnMut(usize, &T) -> bool) -> usize {
    let before = items.len();
    let mut position = 0_usize;
    items.retain(|item| {
        let keep = !is_removed(position, item);
        position = position.saturating_add(1);
        keep
    });
    before.saturating_sub(items.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn items_are_inserted_at_a_position_or_at_the_end() {
        let mut items = vec![1, 2, 3];
        insert(&mut items, vec![8, 9], Some(1)).expect("within");
        assert_eq!(items, [1, 8, 9, 2, 3]);
        insert(&mut items, vec![7], None).expect("at the end");
        assert_eq!(items, [1, 8, 9, 2, 3, 7]);
        assert!(insert(&mut items, vec![0], Some(7)).is_err());
        assert!(insert(&mut items, vec![0; MAX_ITEMS], None).is_err());
    }

    #[test]
    fn ranges_move_before_an_item() {
        let moved = |start, length, before| {
            let mut items = vec!['a', 'b', 'c', 'd', 'e'];
            reorder(&mut items, start, length, before).map(|()| items.into_iter().collect::<String>())
        };
        assert_eq!(moved(0, 2, 4).as_deref(), Ok("cdabe"));
        assert_eq!(moved(3, 2, 0).as_deref(), Ok("deabc"));
        assert_eq!(moved(1, 1, 5).as_deref(), Ok("acdeb"));
        assert_eq!(moved(1, 3, 2).as_deref(), Ok("abcde"));
        assert!(moved(4, 2, 0).is_err() && moved(0, 1, 6).is_err() && moved(usize::MAX, 2, 0).is_err());
    }

    proptest! {
        #[test]
        fn moving_keeps_all_items(count in 0_usize..20, start in 0_usize..25, length in 0_usize..25, before in 0_usize..25) {
            let mut items: Vec<usize> = (0..count).collect();
            drop(reorder(&mut items, start, length, before));
            items.sort_unstable();
            prop_assert!(items.into_iter().eq(0..count));
        }
    }

    #[test]
    fn remove_returns_the_number_of_removed_items() {
        let mut items = vec!['a', 'b', 'a'];
        assert_eq!(remove(&mut items, |position, item| *item == 'a' && position > 0), 1);
        assert_eq!(items, ['a', 'b']);
    }
}
