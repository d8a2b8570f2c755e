"""Life cycle stages relative to each customer's own purchase interval, and active customer flow per period."""
