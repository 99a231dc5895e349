import { useId, type ReactNode } from 'react';

export interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string;
  warning?: string;
  after?: ReactNode; // under the control: a clash to resolve
  className?: string;
  children: (p: { id: string; 'aria-describedby': string | undefined; 'aria-invalid': boolean | undefined }) => ReactNode;
}

/** A label over its control, with hint, warning and error tied to it. */
export function Field({ label, hint, error, warning, after, className = '', children }: FieldProps) {
  const id = useId();
  const parts = [hint && `${id}-hint`, warning && `${id}-warning`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div className={`la2-field ${error ? 'invalid' : ''} ${className}`}>
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-describedby': parts || undefined, 'aria-invalid': error ? true : undefined })}
      {hint && <p className="la2-hint" id={`${id}-hint`}>{hint}</p>}
      <div role="status">{warning && <p className="la2-warning" id={`${id}-warning`}>{warning}</p>}</div>
      {error && <p className="la2-error" id={`${id}-error`}>{error}</p>}
      {after}
    </div>
  );
}
