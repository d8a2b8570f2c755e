"""Life cycle stages by each customer's own purchase interval, and active customer flow per period."""
