// Class names of the KERN components that this build carries, for pages from elsewhere.

export const KERN = {
  button: 'kern-btn kern-btn--secondary',
  buttonPrimary: 'kern-btn kern-btn--primary',
  buttonTertiary: 'kern-btn kern-btn--tertiary',
  label: 'kern-label',
  heading: 'kern-heading-medium',
  title: 'kern-title',
  body: 'kern-body',
  table: 'kern-table kern-table--small',
  tableHeader: 'kern-table__header',
  tableCell: 'kern-table__cell',
  input: 'kern-form-input',
  inputField: 'kern-form-input__input',
  hint: 'kern-hint',
  badge: 'kern-badge kern-badge--info',
  alert: 'kern-alert kern-alert--info',
  alertHeader: 'kern-alert__header',
  alertBody: 'kern-alert__body',
  visuallyHidden: 'kern-sr-only',
} as const;
