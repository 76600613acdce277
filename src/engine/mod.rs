//! One request's life: admission, deadlines, cancellation, effects in order.
